#include "train/pipeline.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mutirao::train {

namespace {

// Of attempts that this stage has not taken up: what its neighbours may send before they wait.
constexpr std::size_t kEarlyMax = 2 * kMicroBatchesMax;

}  // namespace

PipelineMessage StagePlace::message(PipelineKind kind, std::uint32_t attempt,
                                    std::uint64_t step) const {
    PipelineMessage out;
    out.run = run;
    out.replica = replica;
    out.attempt = attempt;
    out.step = step;
    out.kind = kind;
    return out;
}

PipelineStatus agree(std::span<const PipelineStatus> left) {
    ENSURE(!left.empty());
    PipelineStatus out = left.front();
    for (const auto& status : left) {
        if (status.step > out.step) {
            out.step = status.step;
            out.last_square_sum = status.last_square_sum;
        }
        out.attempt = std::max(out.attempt, status.attempt);
    }
    ++out.attempt;
    return out;
}

Result<StagePipeline> StagePipeline::make(const StagePlace& place, std::uint64_t steps,
                                          const PipelineStatus& from) {
    if (place.stages < 1 || place.stages > kStagesMax || place.stage >= place.stages ||
        place.replica >= kWorkersMax || place.micro_batches < 1 ||
        place.micro_batches > kMicroBatchesMax || from.step > steps)
        return Error{ErrorKind::invalid_argument,
                     "there is no stage " + std::to_string(place.stage) + " of " +
                         std::to_string(place.stages) + " with " +
                         std::to_string(place.micro_batches) + " micro-batches a step"};
    return StagePipeline(place, steps, from);
}

StagePipeline::StagePipeline(const StagePlace& place, std::uint64_t steps,
                             const PipelineStatus& from)
    : place_(place),
      steps_(steps),
      attempt_(from.attempt),
      step_(from.step),
      last_square_sum_(from.last_square_sum) {}

void StagePipeline::begin(std::uint64_t step) {
    step_ = step;
    forwards_ = backwards_ = 0;
    under_way_.reset();
    whole_square_sum_.reset();
    std::erase_if(arrived_, [&](const auto& entry) {
        return entry.first.attempt < attempt_ || entry.first.step < step;
    });
}

Status StagePipeline::check(const PipelineMessage& message) const {
    if (message.run != place_.run || message.replica != place_.replica)
        return Error{ErrorKind::permission_denied, "a pipeline message of another run or replica"};
    if (message.kind > PipelineKind::end)
        return Error{ErrorKind::corrupt, "a message that is no part of a step"};
    const bool from_before = message.kind != PipelineKind::gradient;
    if (from_before ? is_first() : is_last())
        return Error{ErrorKind::corrupt,
                     "stage " + std::to_string(place_.stage) + " has no neighbour that sends this"};
    if (message.micro_batch >= place_.micro_batches)
        return Error{ErrorKind::corrupt, "a step has " + std::to_string(place_.micro_batches) +
                                             " micro-batches, not number " +
                                             std::to_string(message.micro_batch)};
    if (message.attempt != attempt_) return {};
    const bool early = message.step == step_ + 1 && (message.kind == PipelineKind::activations ||
                                                     message.kind == PipelineKind::end);
    if (message.step > step_ && !early)
        return Error{ErrorKind::corrupt, "a message of step " + std::to_string(message.step) +
                                             " while step " + std::to_string(step_) +
                                             " is under way"};
    if (message.step != step_) return {};
    if (message.kind == PipelineKind::gradient && message.micro_batch >= forwards_)
        return Error{ErrorKind::corrupt, "a gradient of activations that were not sent"};
    if (message.kind == PipelineKind::norm && backwards_ < place_.micro_batches)
        return Error{ErrorKind::corrupt, "a gradient's length before all gradients"};
    return {};
}

Result<std::vector<StagePipeline::Outgoing>> StagePipeline::receive(PipelineMessage message) {
    TRY_VOID(check(message));
    std::vector<Outgoing> out;
    if (message.attempt < attempt_ || message.step < step_) return out;
    if (message.attempt == attempt_ && message.kind == PipelineKind::end) {
        if (message.step >= steps_) return out;  // a repeat
        steps_ = message.step;
        if (!is_last()) out.push_back({place_.stage + 1, std::move(message)});
        return out;
    }
    if (message.attempt == attempt_ && message.step == step_) {
        const bool late =
            (message.kind == PipelineKind::activations && message.micro_batch < forwards_) ||
            (message.kind == PipelineKind::gradient && message.micro_batch < backwards_);
        if (late) return out;
    }
    const auto early = static_cast<std::size_t>(std::ranges::count_if(
        arrived_, [&](const auto& entry) { return entry.first.attempt > attempt_; }));
    if (message.attempt > attempt_ && early >= kEarlyMax)
        return Error{ErrorKind::resource_exhausted,
                     "too many messages of a pipeline's attempt that was not agreed on"};
    const Key key{message.attempt, message.step, message.kind, message.micro_batch};
    const auto [at, fresh] = arrived_.try_emplace(key, std::move(message));
    if (!fresh || at->second.kind != PipelineKind::norm || is_last()) return out;
    out.push_back({place_.stage + 1, at->second});
    return out;
}

bool StagePipeline::backward_is_next() const {
    const std::uint32_t behind = place_.stages - 1 - place_.stage;
    return forwards_ == place_.micro_batches || in_flight() > behind;
}

std::optional<StageWork> StagePipeline::next() {
    if (under_way_ || finished()) return std::nullopt;
    std::optional<StageWork> work;
    if (backwards_ == place_.micro_batches)
        work = step_work();
    else if (backward_is_next())
        work = with_arrived({StageWork::Kind::backward, step_, backwards_, {}, {}},
                            PipelineKind::gradient);
    else
        work = with_arrived({StageWork::Kind::forward, step_, forwards_, {}, {}},
                            PipelineKind::activations);
    if (work) under_way_ = {work->kind, work->step, work->micro_batch, {}, {}, work->square_sum};
    return work;
}

// The end of the pipeline waits for no neighbour.
std::optional<StageWork> StagePipeline::with_arrived(StageWork work, PipelineKind kind) {
    if (kind == PipelineKind::gradient ? is_last() : is_first()) return work;
    const auto found = arrived_.find({attempt_, step_, kind, work.micro_batch});
    if (found == arrived_.end()) return std::nullopt;
    work.examples = std::move(found->second.examples);
    work.tensor = std::move(found->second.tensor);
    work.square_sum = found->second.square_sum;
    arrived_.erase(found);
    return work;
}

std::vector<StagePipeline::Outgoing> StagePipeline::end_here() {
    std::vector<Outgoing> out;
    if (!is_first() || under_way_ || forwards_ > 0 || finished()) return out;
    steps_ = step_;
    if (!is_last()) out.push_back({place_.stage + 1, message(PipelineKind::end, 0)});
    return out;
}

std::optional<StageWork> StagePipeline::step_work() {
    StageWork work{StageWork::Kind::step, step_, 0, {}, {}};
    if (whole_square_sum_) {
        work.square_sum = *whole_square_sum_;
        return work;
    }
    return is_first() ? std::nullopt : with_arrived(std::move(work), PipelineKind::norm);
}

PipelineMessage StagePipeline::message(PipelineKind kind, std::uint32_t micro_batch) const {
    auto out = place_.message(kind, attempt_, step_);
    out.micro_batch = micro_batch;
    return out;
}

std::vector<StagePipeline::Outgoing> StagePipeline::done(Output output) {
    ENSURE(under_way_.has_value(), "no work of this stage is under way");
    const auto work = *std::exchange(under_way_, std::nullopt);
    std::vector<Outgoing> out;
    if (work.kind == StageWork::Kind::forward) {
        ++forwards_;
        if (is_last()) return out;
        auto sent = message(PipelineKind::activations, work.micro_batch);
        sent.examples = std::move(output.examples);
        sent.tensor = std::move(output.tensor);
        out.push_back({place_.stage + 1, std::move(sent)});
    } else if (work.kind == StageWork::Kind::backward) {
        const bool all = ++backwards_ == place_.micro_batches;
        if (!is_first()) {
            auto sent = message(PipelineKind::gradient, work.micro_batch);
            sent.tensor = std::move(output.tensor);
            if (all) sent.square_sum = output.square_sum;
            out.push_back({place_.stage - 1, std::move(sent)});
        } else if (all) {
            whole_square_sum_ = output.square_sum;
            auto sent = message(PipelineKind::norm, 0);
            sent.square_sum = output.square_sum;
            if (!is_last()) out.push_back({place_.stage + 1, std::move(sent)});
        }
    } else {
        last_square_sum_ = work.square_sum;
        begin(work.step + 1);
    }
    return out;
}

Result<std::optional<StageWork>> StagePipeline::take_up(const PipelineStatus& agreed) {
    ENSURE(!under_way_, "a stage takes up a new attempt between its works");
    const bool behind = agreed.step == step_ + 1 && backwards_ == place_.micro_batches;
    if (agreed.attempt <= attempt_ || (agreed.step != step_ && !behind))
        return Error{ErrorKind::corrupt, "stage " + std::to_string(place_.stage) +
                                             " cannot go on at step " +
                                             std::to_string(agreed.step) + ", attempt " +
                                             std::to_string(agreed.attempt)};
    attempt_ = agreed.attempt;
    for (const auto& [key, message] : arrived_)
        if (key.attempt == attempt_ && key.kind == PipelineKind::end) steps_ = key.step;
    if (!behind) {
        begin(step_);
        return std::optional<StageWork>();
    }
    std::erase_if(arrived_, [&](const auto& entry) { return entry.first.attempt < attempt_; });
    whole_square_sum_ = agreed.last_square_sum;
    return next();
}

}  // namespace mutirao::train
