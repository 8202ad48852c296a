#include "train/credit_passes.hpp"

#include <algorithm>

namespace mutirao::train {

CreditPasses::CreditPasses(const StagePlace& place, StageJob job, model::Stage& stage,
                           std::uint32_t attempt, std::uint64_t step)
    : place_(place), job_(std::move(job)), stage_(stage), attempt_(attempt), step_(step) {}

PipelineMessage CreditPasses::message(PipelineKind kind) const {
    auto out = place_.message(kind, attempt_, step_);
    out.pass = pass_;
    out.rows = rows_;
    return out;
}

ByteSpan CreditPasses::examples_of(std::uint32_t pass, std::uint32_t& rows) const {
    if (pass == 0) {
        rows = measured_.held_out_rows;
        return measured_.held_out;
    }
    const auto& part = measured_.parts[(pass - 1) / 2];
    rows = is_part(pass) ? part.rows : part.own_rows;
    return is_part(pass) ? part.examples : part.own_examples;
}

Result<CreditPasses::Sent> CreditPasses::begin(MeasuredStep measured) {
    ENSURE(is_first() && measured.held_out_rows > 0);
    measured_ = std::move(measured);
    Sent out;
    TRY_VOID(next(out));
    return out;
}

// The first stage sends the next micro-batch, or the next pass's first.
Status CreditPasses::next(Sent& out) {
    auto examples = examples_of(pass_, rows_);
    while (forwards_ == micro_batches(rows_)) {
        TRY_VOID(finish_pass(out));
        do {
            if (++pass_ > 2 * measured_.parts.size()) return {};
            examples = examples_of(pass_, rows_);
        } while (rows_ == 0);
    }
    auto at = message(PipelineKind::probe);
    at.micro_batch = forwards_;
    const std::size_t a_micro_batch = job_.rows * job_.example_bytes;
    const auto rest = examples.subspan(forwards_ * a_micro_batch);
    at.examples = to_bytes(rest.first(std::min(rest.size(), a_micro_batch)));
    return forward(std::move(at), out);
}

bool CreditPasses::is_told(std::uint32_t pass) const {
    if (pass == 0 || pass > 2 * measured_.parts.size()) return false;
    return is_part(pass) || measured_.parts[(pass - 1) / 2].own_rows > 0;
}

std::uint32_t CreditPasses::rows_of(const PipelineMessage& at) const {
    return std::min(job_.rows, at.rows - at.micro_batch * job_.rows);
}

Status CreditPasses::forward(PipelineMessage at, Sent& out) {
    if (at.micro_batch == 0) TRY_VOID(stage_.begin_step(at.rows));
    const auto rows = rows_of(at);
    if (at.examples.size() != rows * job_.example_bytes)
        return Error{ErrorKind::corrupt, "probed examples of another size"};
    in_.resize(is_first() ? 0 : rows * job_.values_a_row);
    if (!in_.empty()) TRY_VOID(decode_activations(job_.codec, at.tensor, in_));
    out_.resize(is_last() ? 0 : rows * job_.values_a_row);
    TRY([[maybe_unused]] const double loss,
        stage_.forward(at.micro_batch, {rows, at.examples}, in_, out_));
    ++forwards_;
    if (is_last()) return backward(std::move(at), out);
    TRY(at.tensor, encode_activations(job_.codec, out_));
    out.push_back({place_.stage + 1, encode_pipeline_message(at)});
    return {};
}

Status CreditPasses::backward(PipelineMessage at, Sent& out) {
    const auto rows = rows_of(at);
    in_.resize(is_last() ? 0 : rows * job_.values_a_row);
    if (!in_.empty()) TRY_VOID(decode_activations(job_.codec, at.tensor, in_));
    out_.resize(is_first() ? 0 : rows * job_.values_a_row);
    TRY_VOID(stage_.backward(at.micro_batch, in_, out_));
    ++backwards_;
    if (is_first()) return next(out);
    auto sent = message(PipelineKind::probe_gradient);
    sent.micro_batch = at.micro_batch;
    TRY(sent.tensor, encode_activations(job_.codec, out_));
    out.push_back({place_.stage - 1, encode_pipeline_message(sent)});
    return backwards_ == micro_batches(rows_) ? finish_pass(out) : Status();
}

Status CreditPasses::finish_pass(Sent& out) {
    auto& list = pass_ == 0 ? held_out_ : is_part(pass_) ? part_ : own_;
    list.resize(stage_.parameter_count());
    TRY_VOID(stage_.get_gradient(list));
    forwards_ = backwards_ = 0;
    if (pass_ == 0) return {};
    const double product = inner_product(part_, is_part(pass_) ? held_out_ : own_);
    if (is_first()) {
        told_[pass_][0] = product;
        return {};
    }
    auto sent = message(PipelineKind::product);
    sent.micro_batch = place_.stage;
    sent.product = product;
    out.push_back({0, encode_pipeline_message(sent)});
    return {};
}

Result<CreditPasses::Sent> CreditPasses::receive(const PipelineMessage& at) {
    const Error wrong{ErrorKind::corrupt, "a message of a pass that nobody sends now"};
    Sent out;
    if (at.step != step_ || at.attempt != attempt_) return wrong;
    if (at.kind == PipelineKind::product) {
        if (!is_first() || at.micro_batch == 0 || at.micro_batch >= place_.stages ||
            !is_told(at.pass))
            return wrong;
        told_[at.pass].try_emplace(at.micro_batch, at.product);
        return out;
    }
    if (at.micro_batch >= micro_batches(at.rows)) return wrong;
    if (at.kind == PipelineKind::probe) {
        if (is_first() || at.rows > model::kBatchRowsMax) return wrong;
        const bool is_new = at.pass > pass_ && at.micro_batch == 0 && forwards_ == 0;
        const bool is_late = at.pass < pass_ ||
                             (at.pass == pass_ && rows_ > 0 && at.micro_batch < forwards_) ||
                             (at.pass == pass_ && rows_ > 0 && forwards_ == 0);
        if (is_late) return out;
        if (!is_new && !(at.pass == pass_ && at.micro_batch == forwards_)) return wrong;
        pass_ = at.pass;
        rows_ = at.rows;
        TRY_VOID(forward(at, out));
        return out;
    }
    if (at.kind != PipelineKind::probe_gradient || is_last()) return wrong;
    const bool is_late = at.pass < pass_ || at.micro_batch < backwards_ || backwards_ == forwards_;
    if (is_late) return out;
    if (at.pass != pass_ || at.micro_batch != backwards_ || at.rows != rows_) return wrong;
    TRY_VOID(backward(at, out));
    return out;
}

bool CreditPasses::done() const {
    if (!is_first() || pass_ <= 2 * measured_.parts.size()) return false;
    return std::ranges::all_of(
        told_, [this](const auto& entry) { return entry.second.size() == place_.stages; });
}

std::vector<PartProducts> CreditPasses::products() const {
    std::vector<PartProducts> out(measured_.parts.size());
    for (const auto& [pass, by_stage] : told_) {
        auto& products = out[(pass - 1) / 2];
        for (const auto& [stage, product] : by_stage)
            (is_part(pass) ? products.held_out : products.own) += product;
    }
    return out;
}

}  // namespace mutirao::train
