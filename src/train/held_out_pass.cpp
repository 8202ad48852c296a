#include "train/held_out_pass.hpp"

#include <algorithm>
#include <cmath>

namespace mutirao::train {

HeldOutPass::HeldOutPass(const StagePlace& place, StageJob job, model::Stage& stage,
                         const Look& look)
    : place_(place), job_(std::move(job)), stage_(stage), look_(look) {
    ENSURE(look_.rows >= 1 && job_.rows >= 1 && micro_batches() <= kMicroBatchesMax);
}

Result<std::vector<StageWorker::Sent>> HeldOutPass::begin(ByteSpan examples) {
    ENSURE(is_first() && examples.size() == look_.rows * job_.example_bytes);
    std::vector<StageWorker::Sent> out;
    const std::size_t a_micro_batch = job_.rows * job_.example_bytes;
    for (std::uint32_t i = 0; i < micro_batches(); ++i) {
        const auto rest = examples.subspan(i * a_micro_batch);
        TRY_VOID(compute(i, rest.first(std::min(rest.size(), a_micro_batch)), {}, {}, look_.weights,
                         out));
    }
    return out;
}

Result<std::vector<StageWorker::Sent>> HeldOutPass::receive(const PipelineMessage& message) {
    std::vector<StageWorker::Sent> out;
    if (message.kind != PipelineKind::held_out || message.step != look_.number || is_first() ||
        message.micro_batch >= micro_batches() || message.states.size() != place_.stage)
        return Error{ErrorKind::corrupt, "held-out activations that no stage sends here"};
    if (computed_.contains(message.micro_batch)) return out;
    TRY_VOID(compute(message.micro_batch, message.examples, message.tensor, message.states,
                     message.weights, out));
    return out;
}

Status HeldOutPass::compute(std::uint32_t micro_batch, ByteSpan examples, ByteSpan tensor,
                            std::span<const Digest> states, std::span<const std::uint32_t> weights,
                            std::vector<StageWorker::Sent>& out) {
    const auto rows = std::min(job_.rows, look_.rows - micro_batch * job_.rows);
    if (examples.size() != rows * job_.example_bytes)
        return Error{ErrorKind::corrupt, "held-out examples of another size"};
    in_.resize(is_first() ? 0 : rows * job_.values_a_row);
    if (!in_.empty()) TRY_VOID(decode_activations(job_.codec, tensor, in_));
    out_.resize(is_last() ? 0 : rows * job_.values_a_row);
    TRY_VOID(stage_.begin_step(rows));  // nothing is kept for a backward pass
    TRY(const double loss, stage_.forward(0, {rows, examples}, in_, out_));
    loss_sum_ += loss / job_.answers;
    computed_.insert(micro_batch);
    std::vector<Digest> all(states.begin(), states.end());
    all.push_back(look_.state);
    if (is_last()) {
        if (done()) tell(all, weights, out);
        return {};
    }
    auto sent = place_.message(PipelineKind::held_out, 0, look_.number);
    sent.micro_batch = micro_batch;
    sent.examples = to_bytes(examples);
    TRY(sent.tensor, encode_activations(job_.codec, out_));
    sent.states = std::move(all);
    sent.weights.assign(weights.begin(), weights.end());
    out.push_back({place_.stage + 1, encode_pipeline_message(sent)});
    return {};
}

void HeldOutPass::tell(const std::vector<Digest>& states, std::span<const std::uint32_t> weights,
                       std::vector<StageWorker::Sent>& out) {
    const auto amount = [](double loss) { return std::isfinite(loss) && loss > 0 ? loss : 0.0; };
    found_ = place_.message(PipelineKind::found, 0, look_.number);
    found_->held_out_loss = amount(loss_sum_ / look_.rows);
    found_->train_loss = amount(look_.train_loss);
    found_->states = states;
    found_->weights.assign(weights.begin(), weights.end());
    for (std::uint32_t stage = 0; stage + 1 < place_.stages; ++stage)
        out.push_back({stage, encode_pipeline_message(*found_)});
}

}  // namespace mutirao::train
