// A device that computes one stage of a pipeline: StagePipeline's schedule, the codec of what
// travels, and a model's stage. No I/O: messages in, messages out.
//
// One thread at a time.
#pragma once

#include <functional>

#include "model/stage.hpp"
#include "train/activation_codec.hpp"
#include "train/pipeline.hpp"

namespace mutirao::train {

struct StageJob {
    std::uint32_t rows = 0;         // of a micro-batch
    std::size_t values_a_row = 0;   // of activations between stages
    std::size_t example_bytes = 0;  // a row's
    std::uint32_t answers = 0;      // a row's: a loss is the mean over them
    ActivationCodec codec = ActivationCodec::int8;
    std::function<float(std::uint64_t step)> learning_rate;
    // For the first stage: the `rows` examples of a micro-batch, the same ones if asked again.
    std::function<Result<Bytes>(std::uint64_t step, std::uint32_t micro_batch)> examples;
};

class StageWorker {
  public:
    // `stage` must outlive it.
    StageWorker(const StagePlace& place, StagePipeline pipeline, StageJob job, model::Stage& stage);

    struct Sent {
        std::uint32_t to_stage = 0;
        Bytes message;
    };
    // Errors as StagePipeline's, decode_pipeline_message()'s.
    Result<std::vector<Sent>> receive(ByteSpan message);
    Result<std::vector<Sent>> receive(PipelineMessage message);
    // Computes what can be computed next, if anything: `worked` says so.
    struct Advance {
        bool worked = false;
        std::vector<Sent> sent;
    };
    // Errors as the model's; corrupt when a tensor is not of the job's size or diverged.
    Result<Advance> advance();
    // After a stage was lost (pipeline.hpp).
    Status take_up(const PipelineStatus& agreed);
    // The first stage's steps end here, if none is under way (StagePipeline::end_here()).
    std::vector<Sent> end_here();

    bool finished() const { return pipeline_.finished(); }
    PipelineStatus status() const { return pipeline_.status(); }
    std::uint32_t in_flight() const { return pipeline_.in_flight(); }
    // Of the steps taken so far, the mean loss of each in nats; the last stage only.
    const std::vector<double>& losses() const { return losses_; }

  private:
    Result<StagePipeline::Output> compute(const StageWork& work);
    Result<StagePipeline::Output> forward(const StageWork& work);
    Result<StagePipeline::Output> backward(const StageWork& work);
    std::size_t values() const { return job_.rows * job_.values_a_row; }
    bool is_first() const { return place_.stage == 0; }
    bool is_last() const { return place_.stage + 1 == place_.stages; }

    StagePlace place_;
    StagePipeline pipeline_;
    StageJob job_;
    model::Stage& stage_;
    std::vector<float> in_, out_;
    double loss_sum_ = 0;
    std::vector<double> losses_;
};

}  // namespace mutirao::train
