// Whose round is computed again, and by whom (RunSettings::audit_every; recompute.hpp). A worker
// that did not train cannot know beforehand which of its rounds is looked at: the choice hangs on
// what a later round decided (Gensyn's and BTARD's validators choose so, arXiv 2106.11257).
//
// Pure; any thread.
#pragma once

#include <optional>
#include <span>

#include "train/agreement_message.hpp"

namespace mutirao::train {

// Whose payload of the round before `later` the worker `auditor` of so many computes again, once
// `later` is decided: one of the others', whether it counted or not, on the average in one of
// `every` rounds.
std::optional<std::uint32_t> audited(const RoundValue& later, std::uint32_t auditor,
                                     std::uint32_t workers, std::uint32_t every);

// Whose payload of a run's last round the worker `auditor` computes again, once that round is
// decided: nothing later could choose. Each worker is looked at by one other, so that nobody gains
// by a payload that makes the choice fall elsewhere; by whom, none knows before.
std::optional<std::uint32_t> audited_last(const RoundValue& last, std::uint32_t auditor,
                                          std::uint32_t workers);

// Honest workers on CPUs of different makers differ in the last bits, which grow over a round's
// steps; a worker that did other work, or none, is about 1 or more away.
inline constexpr double kHonestDistance = 0.25;

// |claimed - computed| / |computed|, Euclidean; 0 when they are equal. Of equal sizes.
double relative_distance(std::span<const float> claimed, std::span<const float> computed);

}  // namespace mutirao::train
