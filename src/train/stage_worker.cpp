#include "train/stage_worker.hpp"

#include <cmath>
#include <string>

namespace mutirao::train {

namespace {

std::vector<StageWorker::Sent> encoded(const std::vector<StagePipeline::Outgoing>& messages) {
    std::vector<StageWorker::Sent> out;
    for (const auto& [to, message] : messages)
        out.push_back({to, encode_pipeline_message(message)});
    return out;
}

}  // namespace

StageWorker::StageWorker(const StagePlace& place, StagePipeline pipeline, StageJob job,
                         model::Stage& stage)
    : place_(place), pipeline_(std::move(pipeline)), job_(std::move(job)), stage_(stage) {}

Result<std::vector<StageWorker::Sent>> StageWorker::receive(ByteSpan message) {
    TRY(auto decoded, decode_pipeline_message(message));
    return receive(std::move(decoded));
}

Result<std::vector<StageWorker::Sent>> StageWorker::receive(PipelineMessage message) {
    TRY(const auto sent, pipeline_.receive(std::move(message)));
    return encoded(sent);
}

std::vector<StageWorker::Sent> StageWorker::end_here() { return encoded(pipeline_.end_here()); }

Result<StageWorker::Advance> StageWorker::advance() {
    const auto work = pipeline_.next();
    if (!work) return Advance{};
    TRY(auto output, compute(*work));
    return Advance{true, encoded(pipeline_.done(std::move(output)))};
}

Status StageWorker::take_up(const PipelineStatus& agreed) {
    TRY(const auto work, pipeline_.take_up(agreed));
    if (!work) return {};
    TRY(auto output, compute(*work));
    (void)pipeline_.done(std::move(output));  // a step sends nothing
    return {};
}

Result<StagePipeline::Output> StageWorker::compute(const StageWork& work) {
    if (work.kind == StageWork::Kind::forward) return forward(work);
    if (work.kind == StageWork::Kind::backward) return backward(work);
    TRY_VOID(stage_.step(work.square_sum, job_.learning_rate(work.step)));
    if (is_last()) losses_.push_back(loss_sum_);
    return StagePipeline::Output{};
}

Result<StagePipeline::Output> StageWorker::forward(const StageWork& work) {
    const std::uint32_t step_rows = job_.rows * place_.micro_batches;
    if (work.micro_batch == 0) {
        TRY_VOID(stage_.begin_step(step_rows));
        loss_sum_ = 0;
    }
    StagePipeline::Output output;
    output.examples = work.examples;
    if (is_first()) {
        TRY(output.examples, job_.examples(work.step, work.micro_batch));
    }
    if (output.examples.size() != job_.rows * job_.example_bytes)
        return Error{ErrorKind::corrupt, "a micro-batch has " +
                                             std::to_string(output.examples.size()) +
                                             " bytes of examples, not " +
                                             std::to_string(job_.rows * job_.example_bytes)};
    in_.resize(is_first() ? 0 : values());
    if (!in_.empty()) TRY_VOID(decode_activations(job_.codec, work.tensor, in_));
    out_.resize(is_last() ? 0 : values());
    TRY(const double loss,
        stage_.forward(work.micro_batch, {job_.rows, output.examples}, in_, out_));
    loss_sum_ += loss / job_.answers / step_rows;
    if (is_last()) return StagePipeline::Output{};
    TRY(output.tensor, encode_activations(job_.codec, out_));
    return output;
}

Result<StagePipeline::Output> StageWorker::backward(const StageWork& work) {
    in_.resize(is_last() ? 0 : values());
    if (!in_.empty()) TRY_VOID(decode_activations(job_.codec, work.tensor, in_));
    out_.resize(is_first() ? 0 : values());
    TRY_VOID(stage_.backward(work.micro_batch, in_, out_));
    StagePipeline::Output output;
    if (!out_.empty()) {
        TRY(output.tensor, encode_activations(job_.codec, out_));
    }
    if (work.micro_batch + 1 == place_.micro_batches) {
        output.square_sum = stage_.square_sum(work.square_sum);
        if (!std::isfinite(output.square_sum))
            return Error{ErrorKind::corrupt, "training diverged: the gradient is not finite"};
    }
    return output;
}

}  // namespace mutirao::train
