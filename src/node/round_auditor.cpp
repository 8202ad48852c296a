#include "node/round_auditor.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "train/audit.hpp"

namespace mutirao::node {
namespace {

constexpr std::uint32_t kLate = 2;      // rounds that a look may wait beside the steps
constexpr std::size_t kLooksMax = 256;  // at once

// The local steps that a payload says it made; nothing when no round has so many tokens.
std::optional<std::uint32_t> steps_of(const train::RunSettings& settings,
                                      const train::Payload& payload) {
    const std::uint64_t a_step = std::uint64_t{settings.batch} * settings.model.answers();
    const auto most = payload.round < settings.rounds ? settings.local_steps : 0;
    if (payload.tokens % a_step != 0 || payload.tokens / a_step > most) return std::nullopt;
    return static_cast<std::uint32_t>(payload.tokens / a_step);
}

}  // namespace

RoundAuditor::RoundAuditor(AuditorPorts ports, std::unique_ptr<model::Model> model,
                           train::Sampler sampler, RunContributions contributions)
    : ports_(ports),
      model_(std::move(model)),
      sampler_(std::move(sampler)),
      contributions_(std::move(contributions)) {}

void RoundAuditor::stands(std::uint32_t round, const Digest& run_state) {
    states_[round] = run_state;
    while (states_.size() > kAuditedRoundsKept) states_.erase(states_.begin());
}

void RoundAuditor::forget() {
    states_.clear();
    values_.clear();
    looks_.clear();
}

Status RoundAuditor::applied(std::uint32_t round, const train::RoundValue& value) {
    applied_ = round;
    values_[round] = value;
    while (values_.size() > kAuditedRoundsKept) values_.erase(values_.begin());
    const auto worker =
        train::audited(value, ports_.self.worker, ports_.self.workers, ports_.settings.audit_every);
    if (worker && round > 0) looks_.push_back({*worker, round - 1, {}});
    if (round + 1 == ports_.settings.rounds_total())
        if (const auto last = train::audited_last(value, ports_.self.worker, ports_.self.workers))
            looks_.push_back({*last, round, {}});
    hear_out();
    return look(false);
}

void RoundAuditor::hear_out() {
    for (const auto& doubt : ports_.member.accusations(applied_))
        if (looks_.size() < kLooksMax) looks_.push_back({doubt.worker, doubt.round, doubt.accuser});
}

// Nobody is paid before all have looked, and each has looked for itself at what others found.
Status RoundAuditor::finish() {
    hear_out();
    TRY_VOID(look(true));
    ports_.member.looked(ports_.settings.rounds_total());
    TRY_VOID(ports_.member.wait_for_looks(ports_.hand_over));
    hear_out();
    return look(true);
}

Status RoundAuditor::look(bool to_the_end) {
    for (auto left = looks_.size(); left > 0; --left) {
        const auto next = looks_.front();
        looks_.pop_front();
        const auto cheaters = ports_.member.cheaters();
        if (next.worker == ports_.self.worker || cheaters.contains(next.worker) ||
            (next.accuser && wrong_accusers_.contains(*next.accuser)))
            continue;
        auto seen = verdict(next, to_the_end || applied_ > next.round + kLate);
        if (!seen.ok() && seen.error().kind == ErrorKind::unavailable) {
            if (!to_the_end && applied_ <= next.round + kLate) looks_.push_back(next);
            continue;  // its worker is away: nobody can show what it did
        }
        if (!seen.ok() && seen.error().kind == ErrorKind::not_found) {
            LOG_WARN(seen.error().message);
            seen = Verdict::guilty;
        }
        TRY(const auto found, std::move(seen));
        if (found != Verdict::unknown) ++looked_at_;
        if (found == Verdict::honest && next.accuser) wrong_accusers_.insert(*next.accuser);
        if (found != Verdict::guilty) continue;
        LOG_WARN("run " + ports_.self.run.hex() + ": what worker " + std::to_string(next.worker) +
                 " sent for round " + std::to_string(next.round) + " is not what its steps bring");
        ports_.member.accuse(next.worker, next.round);
    }
    return {};
}

Result<RoundAuditor::Verdict> RoundAuditor::verdict(const Look& look, bool waits) {
    if (!states_.contains(look.round)) return Verdict::unknown;
    TRY(const auto sent, payload_of(look, look.round, waits));
    if (!sent) return Verdict::unknown;
    // From other parameters than ours it is not merged, and its worker heals.
    TRY(const auto ours, fresh_run(look.worker, look.round));
    if (sent->base != ours.shared_hash()) return Verdict::unknown;
    const auto steps = steps_of(ports_.settings, *sent);
    if (!steps) return Verdict::guilty;
    TRY(const auto before, state_before(look, sent->before, waits));
    if (!before) return Verdict::guilty;
    if (states_.contains(look.round + 1)) TRY_VOID(payload_of(look, look.round + 1, waits));
    auto again = compute_again(look, *before, *steps);
    if (!again.ok() && again.error().kind == ErrorKind::invalid_argument) return Verdict::guilty;
    if (!again.ok()) return std::move(again).error();
    TRY(const auto seen,
        train::compare_round(whose(look.worker), *sent, *again, train::kHonestDistance));
    if (seen.finding != train::Finding::same && seen.finding != train::Finding::close)
        return Verdict::guilty;
    return look_after(look, *again, waits);
}

// What the worker says its next round began with.
Result<RoundAuditor::Verdict> RoundAuditor::look_after(const Look& look, train::Recomputed& again,
                                                       bool waits) {
    const Look next{look.worker, look.round + 1, {}};
    if (!states_.contains(next.round)) return Verdict::honest;
    TRY(const auto payload, payload_of(look, next.round, waits));
    if (!payload) return Verdict::honest;
    TRY(const auto ours, fresh_run(next.worker, next.round));
    if (payload->base != ours.shared_hash()) return Verdict::honest;
    if (const auto due = again.run.due(); due && !values_.contains(*due)) return Verdict::honest;
    TRY_VOID(apply_due(again));
    TRY(auto inner, model_->optimizer_state());
    const auto computed = again.run.own_state(std::move(inner));
    if (payload->before == train::worker_state_digest(computed)) return Verdict::honest;
    TRY(const auto claimed, state_before(next, payload->before, waits));
    if (!claimed) return Verdict::guilty;
    const bool may_begin_so =
        *claimed == fresh(ours) ||
        train::state_distance(*claimed, computed, again.length) <= train::kHonestDistance;
    return may_begin_so ? Verdict::honest : Verdict::guilty;
}

Result<Bytes> RoundAuditor::piece(const Look& look, const Digest& blob, bool waits) {
    if (!ports_.store.has(blob)) {
        ports_.member.want(blob, look.worker, look.round);
        if (!waits) return Error{ErrorKind::unavailable, "it is not here yet"};
        TRY_VOID(ports_.member.wait_for(blob, look.worker, ports_.hand_over));
    }
    return ports_.store.get(blob);
}

Result<Bytes> RoundAuditor::kept(const Digest& blob) const {
    if (!ports_.store.has(blob))
        return Error{ErrorKind::unavailable, "what was agreed then is not kept any more"};
    return ports_.store.get(blob);
}

Result<std::optional<train::Payload>> RoundAuditor::payload_of(const Look& look,
                                                               std::uint32_t round, bool waits) {
    const auto said = ports_.member.said(look.worker, round);
    if (!said) return std::optional<train::Payload>();
    TRY(const auto bytes, piece(look, *said, waits));
    auto payload = train::decode_payload(bytes);
    // What nobody voted for need not be a payload at all.
    if (!payload.ok() || payload->run != ports_.self.run || payload->round != round ||
        payload->worker != look.worker)
        return Error{ErrorKind::not_found,
                     "worker " + std::to_string(look.worker) + " signed what is no payload"};
    return std::optional(std::move(payload).value());
}

Result<std::optional<train::WorkerState>> RoundAuditor::state_before(const Look& look,
                                                                     const Digest& committed,
                                                                     bool waits) {
    TRY(const auto ours, fresh_run(look.worker, look.round));
    auto begun = fresh(ours);
    if (committed == train::worker_state_digest(begun)) return std::optional(std::move(begun));
    // Only a round before leaves something else to go on from.
    const bool had_none = look.round == 0 || (values_.contains(look.round - 1) &&
                                              !ports_.member.said(look.worker, look.round - 1));
    if (had_none) return std::optional<train::WorkerState>();
    TRY(const auto bytes, piece(look, committed, waits));
    TRY(const auto run_state, kept(states_.at(look.round)));
    auto state = train::decode_worker_state(bytes, run_state);
    if (!state.ok()) return std::optional<train::WorkerState>();
    return std::optional(std::move(state).value());
}

Result<train::Recomputed> RoundAuditor::compute_again(const Look& look,
                                                      const train::WorkerState& before,
                                                      std::uint32_t steps) {
    (void)contributions_.take();
    TRY(auto again, train::recompute_round(whose(look.worker), before, steps, sampler_, *model_,
                                           [&](std::uint64_t step, ByteSpan examples) {
                                               return contributions_.before_step(
                                                   *model_, sampler_, look.worker, step, examples);
                                           }));
    again.payload.credits = contributions_.take();
    return again;
}

Result<train::TrainingRun> RoundAuditor::fresh_run(std::uint32_t worker,
                                                   std::uint32_t round) const {
    TRY(const auto bytes, kept(states_.at(round)));
    TRY(auto shared, train::decode_run_state(bytes));
    const auto of = whose(worker);
    return train::TrainingRun::resume(of.settings, of.identity, std::move(shared), of.matrices);
}

train::WorkerState RoundAuditor::fresh(const train::TrainingRun& run) {
    return run.own_state(train::fresh_inner(run.shared_parameters().size()));
}

Status RoundAuditor::apply_due(train::Recomputed& again) const {
    const auto due = again.run.due();
    if (!due) return {};
    std::vector<train::Payload> payloads;
    for (const auto& member : values_.at(*due).members) {
        TRY(const auto bytes, kept(member.payload));
        TRY(auto payload, train::decode_payload(bytes));
        payloads.push_back(std::move(payload));
    }
    return again.run.apply(payloads);
}

train::RecomputedWorker RoundAuditor::whose(std::uint32_t worker) const {
    auto identity = ports_.self;
    identity.worker = worker;
    return {ports_.settings, identity, ports_.matrices};
}

}  // namespace mutirao::node
