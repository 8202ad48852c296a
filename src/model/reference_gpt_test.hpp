// The GPT of config.hpp in plain double-precision loops, to compare backends with. For tests.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "model/backend.hpp"

namespace mutirao::model {

using ReferenceLogits = std::vector<std::array<double, kVocabulary>>;  // one per position

ReferenceLogits reference_logits(const GptConfig& config, std::span<const float> parameters,
                                 ByteSpan tokens);
double reference_loss(const GptConfig& config, std::span<const float> parameters,
                      const Batch& batch);

}  // namespace mutirao::model
