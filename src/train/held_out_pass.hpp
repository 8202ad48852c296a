// The held-out loss of a model that is cut into stages: forward only, micro-batch by micro-batch,
// through a pipeline whose stages all stand before the same round. The last stage tells all others
// what it found, with the state hashes of the whole model's parts.
//
// No I/O: messages in, messages out. One thread at a time.
#pragma once

#include <set>

#include "train/stage_worker.hpp"

namespace mutirao::train {

class HeldOutPass {
  public:
    // Equal at all stages but for `state` and `train_loss`.
    struct Look {
        std::uint64_t number = 0;
        std::uint32_t rows = 0;  // held-out examples, at least 1
        Digest state;            // state_hash() of this stage's parameters
        double train_loss = 0;   // known to the last stage
        // What each object contributed to the round before; known to the first stage.
        std::vector<std::uint32_t> weights = {};
    };

    // Of `job` the sizes and the codec matter. `stage` has the parameters that are looked at, is
    // between two steps, and must outlive the pass.
    HeldOutPass(const StagePlace& place, StageJob job, model::Stage& stage, const Look& look);

    // The first stage's whole part; `examples` are all rows. Errors as StageWorker's.
    Result<std::vector<StageWorker::Sent>> begin(ByteSpan examples);
    // Another stage's: a message of kind held_out. Late repeats are dropped. corrupt: of another
    // look, or nothing that the stage before sends.
    Result<std::vector<StageWorker::Sent>> receive(const PipelineMessage& message);
    // This stage has computed all of it.
    bool done() const { return computed_.size() == micro_batches(); }
    // The last stage, once it is done; others hear it in a message of kind found.
    const std::optional<PipelineMessage>& found() const { return found_; }

  private:
    std::uint32_t micro_batches() const { return (look_.rows + job_.rows - 1) / job_.rows; }
    bool is_first() const { return place_.stage == 0; }
    bool is_last() const { return place_.stage + 1 == place_.stages; }
    Status compute(std::uint32_t micro_batch, ByteSpan examples, ByteSpan tensor,
                   std::span<const Digest> states, std::span<const std::uint32_t> weights,
                   std::vector<StageWorker::Sent>& out);
    void tell(const std::vector<Digest>& states, std::span<const std::uint32_t> weights,
              std::vector<StageWorker::Sent>& out);

    StagePlace place_;
    StageJob job_;
    model::Stage& stage_;
    Look look_;
    std::set<std::uint32_t> computed_;
    std::vector<float> in_, out_;
    double loss_sum_ = 0;
    std::optional<PipelineMessage> found_;
};

}  // namespace mutirao::train
