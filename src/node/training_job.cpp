#include "node/training_job.hpp"

#include <algorithm>

#include "crypto/hash.hpp"
#include "node/round_auditor.hpp"
#include "node/run_contributions.hpp"
#include "train/local_steps.hpp"

namespace mutirao::node {
namespace {

GroupPlan group_plan(const JobPlan& plan) {
    const auto& settings = plan.settings;
    const auto& member = plan.member;
    return {
        .member = member,
        .identity = {member.run, member.worker, static_cast<std::uint32_t>(member.trainers.size())},
        .layout = settings.validate().ok() ? settings.layout() : std::vector<model::Parameter>{},
        .tokens_max = tokens_a_round(settings),
        .is_audited = settings.audit_every > 0};
}

}  // namespace

struct TrainingJob::Desk {
    std::unique_ptr<model::Backend> backend;
    std::unique_ptr<model::Model> model;
    train::Sampler sampler;  // borrows data
    const RunData& data;
    RunContributions contributions;
    const Bytes held_out;
    std::optional<RoundAuditor> auditor;
    // Whether what a payload said is what the run now holds of that round. If not, the next round
    // begins as after taking the others' state, which whoever audits can compute.
    bool is_exact = true;
};

TrainingJob::TrainingJob(JobPlan plan, JobPorts ports, std::unique_ptr<RunStore> store,
                         std::optional<WorkDone> work)
    : plan_(std::move(plan)),
      ports_(std::move(ports)),
      group_(plan_.settings, group_plan(plan_), ports_, std::move(store), std::move(work)) {}

Result<double> TrainingJob::held_out_loss(Desk& desk) const {
    const auto& tokens = desk.held_out;
    const auto window = desk.model->config().example_size();
    TRY(auto loss, desk.model->loss({static_cast<std::uint32_t>(tokens.size() / window), tokens}));
    return desk.data.loss_per_byte(plan_.settings, tokens, static_cast<double>(loss));
}

Status TrainingJob::train() {
    const auto& settings = plan_.settings;
    TRY(const auto data, group_.read_data());
    TRY(auto backend, ports_.open_backend());
    TRY(auto start, data.start(*backend, settings));
    TRY(auto sampler, group_.sampler(data));
    TRY(const auto inner, group_.begin(std::move(start.parameters), data.digest()));
    if (inner) TRY_VOID(start.model->set_optimizer_state(*inner));
    TRY(auto contributions,
        RunContributions::make(settings, data, sampler, start.model->parameter_count()));
    TRY(auto held_out, sampler.read_held_out(kHeldOutRows));
    Desk desk{.backend = std::move(backend),
              .model = std::move(start.model),
              .sampler = std::move(sampler),
              .data = data,
              .contributions = std::move(contributions),
              .held_out = std::move(held_out),
              .auditor = {},
              .is_exact = group_.is_exact()};
    if (settings.audit_every > 0) TRY_VOID(begin_to_audit(desk));
    return train_on(desk);
}

Status TrainingJob::begin_to_audit(Desk& desk) {
    const auto inner = desk.model->optimizer_state();
    if (!inner.ok())
        return Error(inner.error())
            .within("audits need a backend that gives out its optimizer's state, as nano does");
    TRY(auto start, desk.data.start(*desk.backend, plan_.settings));
    TRY(auto sampler, desk.data.sampler_of_others(plan_.settings));
    desk.auditor.emplace(AuditorPorts{member(), group_.store(), plan_.settings, group_.matrices(),
                                      group_.identity(), plan_.hand_over},
                         std::move(start.model), std::move(sampler), desk.contributions);
    return {};
}

Status TrainingJob::train_on(Desk& desk) {
    group_.begin_training(desk.model->parameter_count());
    auto& run = group_.run();
    TRY_VOID(stand(desk));
    TRY(const bool is_elsewhere, group_.join());
    if (is_elsewhere) TRY_VOID(healed(desk));
    TRY_VOID(report(desk));
    while (!run.finished()) {
        const bool stepped = run.wants_steps();
        if (stepped) TRY_VOID(local_steps(desk));
        TRY_VOID(exchange(desk));
        if (run.wants_steps() || run.finished()) TRY_VOID(stand(desk));
        if (stepped) TRY_VOID(report(desk));
    }
    return finish(desk);
}

// What this worker goes on from, on its disk and told to the others.
Status TrainingJob::stand(Desk& desk) {
    if (desk.auditor && !desk.is_exact) TRY_VOID(begin_anew(desk));
    TRY(auto work, group_.stand(desk.sampler));
    if (desk.auditor) desk.auditor->stands(work.round, work.state);
    const auto round = work.round, every = plan_.checkpoint_every;
    TRY_VOID(keep_own(desk, std::move(work)));
    const bool is_due = every > 0 && round > 0 && round % every == 0 && !group_.run().finished();
    return is_due ? keep_checkpoint(desk) : Status();
}

Status TrainingJob::keep_own(Desk& desk, WorkDone work) {
    auto inner = desk.model->optimizer_state();
    if (!inner.ok() && inner.error().kind != ErrorKind::unimplemented)
        return std::move(inner).error();
    return group_.own().keep(
        group_.run().own_state(inner.ok() ? std::move(inner).value() : model::OptimizerState{}),
        std::move(work));
}

Status TrainingJob::keep_checkpoint(Desk& desk) {
    const auto& run = group_.run();
    const auto checkpoint = desk.data.checkpoint(plan_.settings, run.shared_parameters(),
                                                 run.round(), group_.identity().workers);
    TRY(auto file, model::encode_checkpoint(checkpoint));
    checkpoints_.keep(run.round(), std::move(file));
    return {};
}

// As a worker that takes the others' state: owing nothing. Those who audit expect a fresh inner
// optimizer then; where nobody does, the old one is better than none.
Status TrainingJob::begin_anew(Desk& desk) {
    TRY_VOID(group_.owe_nothing());
    return desk.model->set_optimizer_state(train::fresh_inner(desk.model->parameter_count()));
}

Status TrainingJob::healed(Desk& desk) {
    if (desk.auditor) desk.auditor->forget();
    desk.is_exact = false;
    return stand(desk);
}

// The steps of a payload of before a crash; nothing when it is not on the disk any more.
std::optional<std::uint32_t> TrainingJob::steps_said(const Digest& payload) const {
    const auto bytes = group_.store().get(payload);
    if (!bytes.ok()) return std::nullopt;
    const auto said = train::decode_payload(*bytes);
    if (!said.ok()) return std::nullopt;
    const auto a_step = std::uint64_t{plan_.settings.batch} * plan_.settings.model.answers();
    return static_cast<std::uint32_t>(said->tokens / a_step);
}

Status TrainingJob::local_steps(Desk& desk) {
    auto& run = group_.run();
    const auto& settings = plan_.settings;
    const auto round = run.round(), worker = plan_.member.worker;
    // What it said before a crash stands. The same steps from the same state bring the same again.
    const auto said = member().said(worker, round);
    const auto repeated = said && desk.is_exact ? steps_said(*said) : std::nullopt;
    const auto steps = said ? repeated.value_or(0) : run.local_steps();
    TRY_VOID(desk.model->set_parameters(run.start_parameters()));
    const auto began = ports_.clock.monotonic();
    std::uint64_t step = std::uint64_t{round} * settings.local_steps;
    TRY(const auto taken, train::take_steps(
                              settings, {worker, round, steps}, desk.sampler,
                              [&](auto rows, auto examples, auto learning_rate) -> Result<float> {
                                  TRY_VOID(desk.contributions.before_step(
                                      *desk.model, desk.sampler, worker, step++, examples));
                                  return desk.model->train_step({rows, examples}, learning_rate);
                              },
                              [this, round, &said](std::uint32_t done) {
                                  return member().cancelled() ||
                                         (!said && done > 0 && member().hurry(round));
                              }));
    if (member().cancelled()) return Error{ErrorKind::unavailable, "the run was cancelled"};
    if (taken.steps > 0) group_.count_loss(taken.loss);  // closing rounds have none
    const std::uint64_t tokens =
        std::uint64_t{taken.steps} * settings.batch * settings.model.answers();
    group_.count_steps(tokens, ports_.clock.monotonic() - began);
    std::vector<float> local(desk.model->parameter_count());
    TRY_VOID(desk.model->get_parameters(local));
    const auto base = run.shared_hash();
    TRY(const auto before, group_.own().kept());
    TRY(const auto payload, run.finish_round(local, tokens, group_.train_loss(),
                                             {.noise = &ports_.random,
                                              .before = desk.auditor ? before : Digest{},
                                              .credits = desk.contributions.take()}));
    // What is masked or noised does not come again; the worker's own part does.
    const bool is_plain = !settings.secure_sum && !settings.privacy.on();
    desk.is_exact = !said || (repeated && (!is_plain || train::chunk_list(payload).id() == *said));
    return said ? Status() : group_.say(round, base, payload);
}

Status TrainingJob::exchange(Desk& desk) {
    TRY(const auto outcome, group_.exchange());
    if (outcome.healed) return healed(desk);
    if (!outcome.applied) return {};
    const auto& [round, value, payloads] = *outcome.applied;
    ports_.report_round(round, group_.run().shared_hash(), desk.contributions.weights(payloads));
    return desk.auditor ? desk.auditor->applied(round, value) : Status();
}

Status TrainingJob::report(Desk& desk) {
    const auto& run = group_.run();
    auto out = group_.figures(run.round());
    if (plan_.member.worker == 0) {
        TRY_VOID(desk.model->set_parameters(run.shared_parameters()));
        TRY(out.held_out_loss, held_out_loss(desk));
    }
    group_.note([&](auto& progress) {
        progress.rounds.push_back(out);
        progress.asset_tokens = desk.data.tokens_by_object(desk.sampler);
        progress.state_hash = run.shared_hash();
        progress.epsilon = run.epsilon();
        progress.audited = desk.auditor ? desk.auditor->looked_at() : 0;
    });
    return {};
}

Status TrainingJob::finish(Desk& desk) {
    // With a delayed schedule the last outer steps come after the last report: measure once more.
    TRY_VOID(desk.model->set_parameters(group_.run().shared_parameters()));
    if (plan_.member.worker == 0) {
        TRY(const auto last, held_out_loss(desk));
        group_.note([&](auto& progress) { progress.rounds.back().held_out_loss = last; });
    }
    TRY_VOID(keep_checkpoint(desk));
    if (desk.auditor) TRY_VOID(desk.auditor->finish());
    TRY_VOID(group_.own().kept());
    TRY_VOID(group_.store().finish());
    group_.note([&](auto& progress) {
        progress.state_hash = group_.run().shared_hash();
        progress.audited = desk.auditor ? desk.auditor->looked_at() : 0;
    });
    return {};
}

}  // namespace mutirao::node
