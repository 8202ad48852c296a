#include "node/pipelined_job.hpp"

#include <algorithm>

#include "crypto/hash.hpp"
#include "model/lora_stage.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLooksKept = 8;

// What all trainers of a run tell the ledger of a round, whichever stage they have.
Digest state_of(std::span<const Digest> stages) {
    Writer writer;
    for (const auto& state : stages) writer.raw(state.span());
    return crypto::blake3_keyed(crypto::domain_key("state of stages"), writer.bytes());
}

Status check_plan(const JobPlan& plan) {
    TRY_VOID(plan.settings.validate());
    const auto stages = plan.settings.stages;
    const auto count = plan.member.trainers.size();
    if (stages < 2 || count < stages)
        return Error{ErrorKind::invalid_argument,
                     "a run of " + std::to_string(stages) + " stages needs at least " +
                         std::to_string(stages) + " trainers, not " + std::to_string(count)};
    if (plan.settings.secure_sum && count / stages < 3)
        return Error{
            ErrorKind::invalid_argument,
            "a secure sum in stages is of at least 3 pipelines: of two each would know the "
            "other's part, and stop when one is lost"};
    if (plan.settings.quorum > count / stages)
        return Error{ErrorKind::invalid_argument,
                     "the settings want a quorum of " + std::to_string(plan.settings.quorum) +
                         " pipelines; the run has " + std::to_string(count / stages)};
    if (std::ranges::any_of(plan.member.endpoints, &std::string::empty))
        return Error{ErrorKind::invalid_argument,
                     "trainers of stages send one another activations: each must have an address "
                     "that the others reach"};
    return {};
}

std::uint32_t pipelines_of(const JobPlan& plan) {
    return static_cast<std::uint32_t>(plan.member.trainers.size()) / plan.settings.stages;
}

// Those that have a stage, a spare included.
std::uint32_t trainers_of(const JobPlan& plan, std::uint32_t stage) {
    const auto count = static_cast<std::uint32_t>(plan.member.trainers.size());
    return pipelines_of(plan) + (stage < count % plan.settings.stages ? 1 : 0);
}

// All stages need as many pipelines, also those that have no spare of their own.
JobPlan with_quorum(JobPlan plan) {
    const bool has_spares = plan.member.trainers.size() % plan.settings.stages != 0;
    plan.settings.quorum = plan.settings.needed(pipelines_of(plan), has_spares);
    return plan;
}

// Two that agree stop when one dies; with a third that only votes they do not.
bool has_witness(const JobPlan& plan, std::uint32_t stage) { return trainers_of(plan, stage) == 2; }
// Of pipeline 0, the one before whom it witnesses.
std::optional<std::uint32_t> witnessed_stage(const JobPlan& plan) {
    const auto stages = plan.settings.stages;
    const auto before = (plan.member.worker + stages - 1) % stages;
    if (!has_witness(plan, before) || plan.member.worker >= stages) return std::nullopt;
    return before;
}

model::StageRange range_of(const JobPlan& plan, std::uint32_t stage) {
    return model::cut_into_stages(*plan.settings.model.gpt(), plan.settings.stages).value()[stage];
}

// Of what is trained: where a stage's part of it lies.
model::StageSlice slice_of(const JobPlan& plan, const model::StageRange& range) {
    const auto& gpt = *plan.settings.model.gpt();
    return plan.settings.lora ? model::lora_stage_slice(gpt, *plan.settings.lora, range)
                              : model::stage_slice(gpt, range);
}

std::vector<model::Parameter> layout_of(const JobPlan& plan, const model::StageRange& range) {
    const auto layout = model::stage_layout(*plan.settings.model.gpt(), range);
    return plan.settings.lora ? model::lora_stage_layout(layout, *plan.settings.lora) : layout;
}

std::vector<float> piece(const std::vector<float>& whole, const model::StageSlice& slice) {
    const auto from = whole.begin() + static_cast<std::ptrdiff_t>(slice.offset);
    return {from, from + static_cast<std::ptrdiff_t>(slice.size)};
}

// The stage's workers, pipeline by pipeline, and the witness.
GroupPlan group_plan(const JobPlan& plan, std::uint32_t stage) {
    const auto stages = plan.settings.stages;
    const auto& whole = plan.member;
    GroupPlan out;
    out.member.run = train::stage_run(whole.run, stage);
    const auto add = [&](std::uint32_t worker) {
        if (worker == whole.worker)
            out.member.worker = static_cast<std::uint32_t>(out.member.trainers.size());
        out.member.trainers.push_back(whole.trainers[worker]);
        out.member.endpoints.push_back(whole.endpoints[worker]);
    };
    for (std::uint32_t worker = stage; worker < whole.trainers.size(); worker += stages)
        add(worker);
    out.member.spares = trainers_of(plan, stage) - pipelines_of(plan);
    if (has_witness(plan, stage)) {
        add((stage + 1) % stages);
        out.member.witnesses = 1;
    }
    out.identity = {out.member.run, whole.worker / stages, trainers_of(plan, stage),
                    out.member.spares};
    out.layout = layout_of(plan, range_of(plan, stage));
    // Whoever took over for others tells their tokens, too.
    out.tokens_max = tokens_a_round(plan.settings) * pipelines_of(plan);
    return out;
}

}  // namespace

Result<std::unique_ptr<PipelinedJob>> PipelinedJob::make(JobPlan plan, JobPorts ports,
                                                         std::unique_ptr<RunStore> store,
                                                         std::optional<WorkDone> work,
                                                         const OpenStore& open_store) {
    TRY_VOID(check_plan(plan));
    std::unique_ptr<RunStore> witnessed;
    if (const auto stage = witnessed_stage(plan)) {
        TRY(witnessed, open_store(train::stage_run(plan.member.run, *stage)));
    }
    return std::unique_ptr<PipelinedJob>(new PipelinedJob(std::move(plan), std::move(ports),
                                                          std::move(store), std::move(work),
                                                          std::move(witnessed)));
}

PipelinedJob::PipelinedJob(JobPlan plan, JobPorts ports, std::unique_ptr<RunStore> store,
                           std::optional<WorkDone> work, std::unique_ptr<RunStore> witnessed)
    : plan_(with_quorum(std::move(plan))),
      ports_(std::move(ports)),
      range_(range_of(plan_, stage())),
      group_(plan_.settings, group_plan(plan_, stage()), ports_, std::move(store), work),
      witnessed_(witnessed ? std::make_unique<RunGroup>(plan_.settings,
                                                        group_plan(plan_, *witnessed_stage(plan_)),
                                                        ports_, std::move(witnessed), work)
                           : nullptr),
      seats_({id(), plan_.member.worker, plan_.member.trainers, plan_.member.endpoints},
             plan_.settings,
             {ports_.clock, ports_.network, ports_.key,
              [this](std::uint32_t round) { return group_.member().overtaken(round); },
              [this](std::uint32_t round) { return group_.member().hurry(round); },
              [this](std::span<const float> trained) { return make_stage(trained); }}) {
    group_.count_sent_beside([this] { return seats_.bytes_sent(); });
    group_.note([this](auto& progress) {
        progress.stages = plan_.settings.stages;
        progress.stage = stage();
    });
}

void PipelinedJob::witness() {
    if (witnessed_) witnessed_->member().loop();
}

void PipelinedJob::cancel() {
    group_.member().cancel();
    if (witnessed_) witnessed_->member().cancel();
    seats_.cancel();
}

RunMember* PipelinedJob::member_of(const train::RunId& group) {
    if (group == train::stage_run(id(), stage())) return &group_.member();
    if (witnessed_ && group == witnessed_->identity().run) return &witnessed_->member();
    return nullptr;
}

JobProgress PipelinedJob::progress() const {
    auto out = group_.progress();
    out.serves = seats_.serves();
    out.taken_over = seats_.taken_over();
    return out;
}

void PipelinedJob::run() {
    const auto status = train();
    seats_.close();
    group_.end(status);
}

// This stage's piece of what the run trains, as it starts.
Result<std::vector<float>> PipelinedJob::initial(const RunData& data) const {
    const auto& settings = plan_.settings;
    if (data.base && (data.base->adapter || data.base->config != settings.model))
        return Error{ErrorKind::invalid_argument,
                     "the base is an adapter, or not of the shape that the settings name"};
    const auto slice = slice_of(plan_, range_);
    if (settings.lora)
        return piece(model::initial_adapters(*settings.model.gpt(), *settings.lora, settings.seed),
                     slice);
    if (data.base) return piece(data.base->parameters, slice);
    return model::initial_parameters(settings.model, settings.seed, slice.offset, slice.size);
}

Result<std::unique_ptr<model::Stage>> PipelinedJob::make_stage(
    std::span<const float> trained) const {
    const auto& settings = plan_.settings;
    const auto& gpt = *settings.model.gpt();
    const auto parameters = settings.lora ? std::span<const float>(base_) : trained;
    TRY(auto stage, model::make_nano_stage(gpt, range_, settings.optimizer(), parameters));
    if (!settings.lora) return stage;
    return model::adapt_stage(std::move(stage), gpt, *settings.lora, settings.optimizer(), trained);
}

// The first stage measures what contributes, for all.
train::RunSettings PipelinedJob::measured() const {
    auto out = plan_.settings;
    if (stage() != 0) out.contributions_every = 0;
    return out;
}

Status PipelinedJob::train() {
    TRY(const auto data, group_.read_data());
    TRY(auto sampler, group_.sampler(data));
    TRY(auto parameters, initial(data));
    if (plan_.settings.lora)
        base_ =
            piece(data.base->parameters, model::stage_slice(*plan_.settings.model.gpt(), range_));
    TRY(auto inner, group_.begin(std::move(parameters), data.digest()));
    TRY(auto held_out, sampler.read_held_out(kHeldOutRows));
    TRY(auto contributions, RunContributions::make(measured(), data, sampler, 0));
    Desk desk{std::move(sampler), data, std::move(held_out), std::move(contributions)};
    seats_.open(desk.sampler, desk.held_out, std::move(inner), desk.contributions);
    return train_on(desk);
}

Status PipelinedJob::train_on(Desk& desk) {
    const auto layout = plan_.settings.layout();
    group_.begin_training(layout.back().offset + layout.back().size);
    auto& run = group_.run();
    if (run.wants_steps() || run.finished()) TRY_VOID(stand(desk));
    TRY(const bool is_elsewhere, group_.join());
    TRY_VOID(is_elsewhere ? healed(desk) : group_.say_finished());
    while (!run.finished()) {
        if (run.wants_steps()) TRY_VOID(local_steps(desk));
        TRY_VOID(note_found(desk));
        TRY_VOID(exchange(desk));
        if (run.wants_steps() || run.finished()) TRY_VOID(stand(desk));
    }
    return finish(desk);
}

// Told to the others of its stage. What it goes on from itself is on its disk since the steps.
Status PipelinedJob::stand(Desk& desk) {
    TRY(const auto work, group_.stand(desk.sampler));
    if (takes_state_) TRY_VOID(group_.store().keep_work(work));
    takes_state_ = false;
    const auto every = plan_.checkpoint_every;
    if (every > 0 && work.round > 0 && work.round % every == 0 && !group_.run().finished())
        TRY_VOID(keep_checkpoint(desk));
    group_.note([&](auto& progress) {
        progress.state_hash = group_.run().shared_hash();
        progress.epsilon = group_.run().epsilon();
        progress.asset_tokens = desk.data.tokens_by_object(desk.sampler);
    });
    return {};
}

Status PipelinedJob::healed(Desk& desk) {
    applied_.reset();
    weights_.clear();
    takes_state_ = true;
    return stand(desk);
}

SeatRound PipelinedJob::seat_round(std::uint32_t steps) {
    const auto& run = group_.run();
    looks_[run.round()] = {group_.figures(run.round()), run.shared_hash(), applied_};
    while (looks_.size() > kLooksKept) looks_.erase(looks_.begin());
    return {run.round(),       steps,   run.shared_parameters(), run.start_parameters(),
            run.shared_hash(), weights_};
}

Status PipelinedJob::local_steps(Desk& desk) {
    auto& run = group_.run();
    const auto round = run.round();
    const auto began = ports_.clock.monotonic();
    SeatSteps taken;
    taken.local.assign(run.start_parameters().begin(), run.start_parameters().end());
    // What it said before a crash stands; closing rounds have no steps.
    const bool said = group_.member().said(group_.identity().worker, round).has_value();
    const bool has_steps = run.local_steps() > 0 && !said;
    if (has_steps) {
        TRY(taken, seats_.take_round(seat_round(run.local_steps())));
    }
    const std::uint64_t tokens =
        std::uint64_t{taken.steps} * plan_.settings.batch * plan_.settings.model.answers();
    group_.count_steps(tokens, ports_.clock.monotonic() - began);
    const auto base = run.shared_hash();
    TRY(const auto payload,
        run.finish_round(taken.local, tokens, taken.loss,
                         {.noise = &ports_.random, .credits = desk.contributions.take()}));
    // Somebody else has this trainer's place, or the round: it has nothing to say.
    const bool idle = has_steps && taken.steps == 0 && !taken.gave_up;
    TRY_VOID(group_.keep_finished(desk.sampler, seats_.inner(), said || idle ? Bytes() : payload));
    return said || idle ? Status() : group_.say(round, base, payload);
}

Status PipelinedJob::exchange(Desk& desk) {
    TRY(const auto outcome, group_.exchange());
    if (outcome.healed) return healed(desk);
    if (!outcome.applied) return {};
    applied_ = outcome.applied->round;
    weights_ = desk.contributions.weights(outcome.applied->payloads);
    return {};
}

// The whole model's loss and state, which only the stages together know.
Status PipelinedJob::note_found(Desk& desk) {
    for (const auto& found : seats_.take_found()) {
        const auto look = looks_.find(found.step);
        if (look == looks_.end() || found.states[stage()] != look->second.state) continue;
        TRY_VOID(report(desk, found, look->second));
        looks_.erase(look);
    }
    return {};
}

Status PipelinedJob::report(Desk& desk, const train::PipelineMessage& found, const LookedAt& at) {
    if (at.applied) ports_.report_round(*at.applied, state_of(found.states), found.weights);
    auto out = at.figures;
    TRY(out.held_out_loss,
        desk.data.loss_per_byte(plan_.settings, desk.held_out, found.held_out_loss));
    out.train_loss = found.train_loss;
    group_.note([&](auto& progress) { progress.rounds.push_back(out); });
    return {};
}

Status PipelinedJob::keep_checkpoint(Desk& desk) {
    const auto& settings = plan_.settings;
    const auto& run = group_.run();
    const auto head = desk.data.checkpoint(settings, {}, run.round(), pipelines());
    TRY(auto file, model::encode_checkpoint_piece(head, slice_of(plan_, range_).offset,
                                                  run.shared_parameters()));
    checkpoints_.keep(run.round(), std::move(file));
    return {};
}

Status PipelinedJob::finish(Desk& desk) {
    TRY_VOID(seats_.look(seat_round(0)));
    TRY_VOID(note_found(desk));
    TRY_VOID(keep_checkpoint(desk));
    TRY_VOID(group_.store().finish());
    group_.note([&](auto& progress) {
        progress.state_hash = group_.run().shared_hash();
        if (!progress.rounds.empty()) progress.rounds.back().tokens = group_.tokens();
    });
    return {};
}

}  // namespace mutirao::node
