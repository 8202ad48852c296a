// Checkpoints of a run, from its trainers: which one is to be had, and its bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "mutirao/v1/train.pb.h"
#include "node/kept_chunks.hpp"

namespace mutirao::cli {

struct CheckpointOffer {
    std::uint32_t round = 0;             // rounds behind it
    Digest blob;                         // train::ChunkList::id()
    std::vector<std::uint32_t> holders;  // places in the run's order
};

// The newest checkpoint of a round before the run's last that more than half of all trainers name
// alike and are there to give: one of them alone cannot make a builder store something else.
// `progress` is what each said last, of phase "missing" for who cannot be reached.
std::optional<CheckpointOffer> newest_checkpoint(const std::vector<v1::ProgressReply>& progress);
// The finished model, of all who say that they have finished with the one that `first` names.
// corrupt when `first` names none.
Result<CheckpointOffer> finished_checkpoint(const std::vector<v1::ProgressReply>& progress,
                                            std::size_t first);

// In chunks that are checked one by one, from all holders at once; what one does not give, another
// may. `trainers` are all endpoints, empty for who cannot be called. unavailable when nobody is
// left to ask, with what was said last. Blocks; `network` is called from several threads. What came
// is in `kept` until the checkpoint is whole: a fetch that was cut off goes on with it.
Result<Bytes> fetch_checkpoint(Network& network, const std::vector<std::string>& trainers,
                               const Digest& run, const CheckpointOffer& offer,
                               node::KeptChunks& kept);

}  // namespace mutirao::cli
