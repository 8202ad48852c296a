// Rounds whose payloads are masked: between a TrainingRun, which knows this worker's values, and a
// RunMember, which knows whose values a sum is of. Plain values never leave this file's callers.
#pragma once

#include "node/run_member.hpp"
#include "train/round.hpp"

namespace mutirao::node {

// Whether a masked payload is one at all; what is under its mask nobody can check.
Status check_masked(const train::Payload& payload, std::size_t values);

// This worker's payload as it may be sent: its values under their mask, its loss and state untold.
// None when the round's sum goes without this worker. Waits for the others.
Result<std::optional<Bytes>> masked_payload(RunMember& member, ByteSpan payload,
                                            std::size_t values);

// The outer step with the sum of the decided payloads' values.
Status apply_masked(train::TrainingRun& run, const train::SumSettings& settings,
                    const train::SumTranscript& transcript,
                    std::span<const train::Payload> payloads);

}  // namespace mutirao::node
