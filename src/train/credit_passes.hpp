// What a step's examples did for the held-out loss (contribution.hpp) where a model is cut into
// stages. Before the step, examples go through the pipeline and back without one: the held-out
// ones; then those of each owner in the batch, and that owner's own held-out ones. Each stage takes
// the inner products of its part of the gradients and tells the first, which adds them up.
//
// One micro-batch is on its way at a time, so that a stage keeps no more activations than a step
// does. No I/O: messages in, messages out. One thread at a time. Memory: three lists of a stage's
// floats while it lasts.
#pragma once

#include <map>
#include <vector>

#include "train/contribution.hpp"
#include "train/stage_worker.hpp"

namespace mutirao::train {

// A step that is measured, as the first stage knows it.
struct MeasuredStep {
    std::vector<OwnerPart> parts;
    Bytes held_out;
    std::uint32_t held_out_rows = 0, batch_rows = 0;
    float learning_rate = 0;
};

class CreditPasses {
  public:
    // `stage` is between two steps, and must outlive it; the attempt is the pipeline's.
    CreditPasses(const StagePlace& place, StageJob job, model::Stage& stage, std::uint32_t attempt,
                 std::uint64_t step);

    std::uint64_t step() const { return step_; }
    // The first stage's; once. Errors as StageWorker's.
    Result<std::vector<StageWorker::Sent>> begin(MeasuredStep measured);
    // A message of a pass. Late repeats are dropped. corrupt: of another step, or nothing that
    // the others send now.
    Result<std::vector<StageWorker::Sent>> receive(const PipelineMessage& message);
    // The first stage has all products.
    bool done() const;
    // Then; part by part.
    std::vector<PartProducts> products() const;
    const MeasuredStep& measured() const { return measured_; }

  private:
    using Sent = std::vector<StageWorker::Sent>;
    // Pass 0 is the held-out one; part k's are 2 k + 1, and 2 k + 2 where it has own ones.
    static bool is_part(std::uint32_t pass) { return pass % 2 == 1; }
    // Whether the stages tell a product of it.
    bool is_told(std::uint32_t pass) const;
    bool is_first() const { return place_.stage == 0; }
    bool is_last() const { return place_.stage + 1 == place_.stages; }
    std::uint32_t micro_batches(std::uint32_t rows) const {
        return (rows + job_.rows - 1) / job_.rows;
    }
    std::uint32_t rows_of(const PipelineMessage& at) const;
    PipelineMessage message(PipelineKind kind) const;
    Status forward(PipelineMessage at, Sent& out);
    Status backward(PipelineMessage at, Sent& out);
    Status finish_pass(Sent& out);
    Status next(Sent& out);
    ByteSpan examples_of(std::uint32_t pass, std::uint32_t& rows) const;

    StagePlace place_;
    StageJob job_;
    model::Stage& stage_;
    const std::uint32_t attempt_;
    const std::uint64_t step_;
    MeasuredStep measured_;
    std::uint32_t pass_ = 0, rows_ = 0;
    std::uint32_t forwards_ = 0, backwards_ = 0;  // of the pass
    std::vector<float> held_out_, part_, own_;
    std::map<std::uint32_t, std::map<std::uint32_t, double>> told_;  // by pass, stage
    std::vector<float> in_, out_;
};

}  // namespace mutirao::train
