#include "node/run_group.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "crypto/hash.hpp"
#include "node/masked_round.hpp"
#include "node/round_auditor.hpp"
#include "train/traffic.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;

constexpr Duration kGraceMin = 500ms, kGraceMax = 60s;
constexpr Duration kAwayMin = 3s;

// For each fragment's rounds; empty when the settings are wrong.
std::vector<PieceCodec> codecs_of(const train::RunSettings& settings,
                                  const std::vector<model::Parameter>& layout,
                                  const std::vector<train::Matrix>& matrices) {
    std::vector<PieceCodec> codecs;
    if (layout.empty()) return codecs;
    const std::size_t parameters = layout.back().offset + layout.back().size;
    for (std::uint32_t i = 0; i < settings.fragments; ++i) {
        const auto size = train::piece_of(parameters, settings.fragments, i).size;
        auto codec = train::piece_codec(settings, size, matrices);
        if (!codec.ok()) return {};
        codecs.push_back({size, std::move(codec).value()});
    }
    return codecs;
}

MemberPlan member_plan(const train::RunSettings& settings, const GroupPlan& plan,
                       const std::vector<PieceCodec>& codecs) {
    auto member = plan.member;
    member.lag = settings.schedule == train::Schedule::sync ? 0 : 1;
    if (plan.is_audited) member.rounds_kept = kAuditedRoundsKept;
    const auto workers = plan.identity.workers;
    member.quorum = settings.needed(workers - member.spares);
    if (!settings.secure_sum) return member;
    member.sum_threshold = settings.needed(workers);  // spares open masks, and need send nothing
    for (const auto& piece : codecs) member.sum_values.push_back(piece.parameters);
    return member;
}

}  // namespace

std::uint64_t tokens_a_round(const train::RunSettings& settings) {
    return std::uint64_t{settings.local_steps} * settings.batch * settings.model.answers();
}

train::Patience patience_after(Duration steps_took) {
    const auto grace = std::clamp(steps_took / 5, kGraceMin, kGraceMax);
    return {grace, 4 * grace, std::max(kAwayMin, 2 * steps_took)};
}

RunGroup::RunGroup(const train::RunSettings& settings, GroupPlan plan, const JobPorts& ports,
                   std::unique_ptr<RunStore> store, std::optional<WorkDone> work)
    : settings_(settings),
      ports_(ports),
      plan_(std::move(plan)),
      store_(std::move(store)),
      work_(std::move(work)),
      matrices_(train::matrices_of(plan_.layout)),
      codecs_(codecs_of(settings_, plan_.layout, matrices_)),
      member_(member_plan(settings_, plan_, codecs_),
              {ports_.clock, ports_.random, ports_.network, *store_, ports_.key,
               [this](const train::Payload& payload) { return check(payload); }},
              work_ ? work_->round : 0),
      own_(*store_, ports_.executor, plan_.is_audited) {
    progress_.rounds_total = settings_.rounds_total();
    if (!work_) return;
    tokens_ = work_->tokens;
    train_loss_ = work_->train_loss;
}

// Whether a payload can be merged at all, and claims no more tokens than it may.
Status RunGroup::check(const train::Payload& payload) const {
    if (codecs_.empty() || payload.round >= settings_.rounds_total())
        return Error{ErrorKind::corrupt, "the payload is of a round that the run has not"};
    if (payload.tokens > plan_.tokens_max)
        return Error{ErrorKind::corrupt, "the payload claims more tokens than a round has"};
    if (settings_.audit_every > 0 && payload.before == Digest{})
        return Error{ErrorKind::corrupt, "the payload does not say what its round began with"};
    const auto& piece = codecs_[payload.round % codecs_.size()];
    if (settings_.secure_sum) return check_masked(payload, piece.parameters);
    std::vector<float> decoded(piece.parameters);
    return piece.codec->decode(payload.delta, decoded);
}

Result<RunData> RunGroup::read_data() {
    set_phase("reading");
    TRY(auto objects, ports_.open_objects());
    return read_run_data(settings_, std::move(objects),
                         {ports_.clock, ports_.executor, [this] { return member_.cancelled(); }});
}

Result<train::Sampler> RunGroup::sampler(const RunData& data) const {
    TRY(auto sampler, data.sampler(settings_));
    if (work_ && work_->asset_tokens.size() == data.object.size())
        sampler.go_on(work_->asset_tokens);
    return sampler;
}

Result<std::optional<model::OptimizerState>> RunGroup::begin(std::vector<float> initial,
                                                             const Digest& preparation) {
    using Inner = std::optional<model::OptimizerState>;
    plan_.identity.preparation = preparation;
    if (auto own = work_ ? own_state_of(*store_, *work_) : std::nullopt) {
        TRY(run_, train::TrainingRun::go_on(settings_, identity(), *own, matrices_));
        goes_on_ = true;
        return own->inner.moments.empty() ? Inner() : Inner(std::move(own->inner));
    }
    if (work_) {
        const auto bytes = store_->get(work_->state);
        if (bytes.ok()) {
            TRY(auto state, train::decode_run_state(*bytes));
            TRY(run_,
                train::TrainingRun::resume(settings_, identity(), std::move(state), matrices_));
            return Inner();
        }
        LOG_WARN("run " + identity().run.hex() + " begins anew: " + bytes.error().message);
    }
    TRY(run_, train::TrainingRun::make(settings_, identity(), std::move(initial), matrices_));
    return Inner();
}

std::uint64_t RunGroup::bytes_sent() const {
    return (work_ ? work_->bytes_sent : 0) + member_.bytes_sent() + (beside_ ? beside_() : 0);
}

// Of the round that comes next.
WorkDone RunGroup::work_done(const train::Sampler& sampler) const {
    WorkDone work{.round = run_->round(),
                  .state = {},
                  .own = {},
                  .tokens = tokens_,
                  .bytes_sent = bytes_sent(),
                  .train_loss = train_loss_,
                  .asset_tokens = {},
                  .payload = {}};
    work.asset_tokens.assign(sampler.tokens_used().begin(), sampler.tokens_used().end());
    return work;
}

Result<WorkDone> RunGroup::stand(const train::Sampler& sampler) {
    const auto state = train::encode_run_state(run_->state());
    auto work = work_done(sampler);
    work.state = train::chunk_list(state).id();
    TRY_VOID(member_.stand(work.round, state));
    note([&](auto& progress) { progress.round = work.round; });
    return work;
}

Status RunGroup::keep_finished(const train::Sampler& sampler, model::OptimizerState inner,
                               ByteSpan payload) {
    auto work = work_done(sampler);
    --work.round;  // where it stands until the round is applied
    if (!payload.empty()) {
        TRY(work.payload, store_->put(work.round, payload));
    }
    TRY_VOID(own_.keep(run_->own_state(std::move(inner)), std::move(work)));
    TRY_VOID(own_.kept());
    return {};
}

Status RunGroup::say_finished() {
    if (!goes_on_ || work_->payload == Digest{}) return {};
    if (member_.said(plan_.member.worker, work_->round)) return {};
    TRY(const auto bytes, store_->get(work_->payload));
    TRY(const auto payload, train::decode_payload(bytes));
    return say(payload.round, payload.base, bytes);
}

Status RunGroup::owe_nothing() {
    TRY(run_, train::TrainingRun::resume(settings_, identity(), run_->state(), matrices_));
    return {};
}

Result<bool> RunGroup::join() {
    if (identity().workers == 1) return false;
    const auto where = member_.ahead(kJoinPatience, goes_on_);
    if (where) TRY_VOID(heal(*where));
    return where.has_value();
}

Status RunGroup::heal(train::Agreement::Elsewhere where) {
    for (;;) {
        auto bytes = member_.fetch(where);
        if (bytes.ok()) {
            TRY(auto state, train::decode_run_state(*bytes));
            TRY(run_,
                train::TrainingRun::resume(settings_, identity(), std::move(state), matrices_));
            break;
        }
        if (bytes.error().kind != ErrorKind::unavailable || member_.cancelled())
            return std::move(bytes).error();
        const auto anew = member_.ahead(kJoinPatience, false);
        if (!anew) return std::move(bytes).error();
        where = *anew;
    }
    LOG_INFO("run " + identity().run.hex() + ": goes on at round " + std::to_string(run_->round()) +
             " from the others' state");
    note([](auto& progress) { ++progress.healed; });
    return {};
}

Result<std::vector<train::Payload>> RunGroup::payloads_of(const train::RoundValue& value) const {
    std::vector<train::Payload> payloads;
    for (const auto& member : value.members) {
        TRY(const auto bytes, store_->get(member.payload));
        TRY(auto payload, train::decode_payload(bytes));
        payloads.push_back(std::move(payload));
    }
    return payloads;
}

Result<RunGroup::Exchanged> RunGroup::exchange() {
    const auto round = run_->due();
    if (!round) return Exchanged{};
    TRY(const auto outcome, member_.wait(*round));
    if (outcome.elsewhere) {
        TRY_VOID(heal(*outcome.elsewhere));
        return Exchanged{{}, true};
    }
    TRY(auto payloads, payloads_of(*outcome.decided));
    if (outcome.sum)
        TRY_VOID(apply_masked(*run_, member_.sum_settings(*round), *outcome.sum, payloads));
    else
        TRY_VOID(run_->apply(payloads));
    const bool is_spare =
        identity().worker + plan_.member.spares >= identity().workers;  // and need send nothing
    const bool counted = std::ranges::any_of(
        payloads, [this](const auto& payload) { return payload.worker == identity().worker; });
    if (!counted && !is_spare) note([](auto& progress) { ++progress.left_out; });
    if (const auto own = undecided_.find(*round); counted && own != undecided_.end())
        counted_ += own->second;
    undecided_.erase(undecided_.begin(), undecided_.upper_bound(*round));
    return Exchanged{Applied{*round, *outcome.decided, std::move(payloads)}, false};
}

Status RunGroup::say(std::uint32_t round, const Digest& base, ByteSpan payload) {
    if (!settings_.secure_sum) return member_.ready(round, base, payload);
    TRY(const auto masked, masked_payload(member_, payload, piece_of(round)));
    return masked ? member_.ready(round, base, *masked) : Status();
}

void RunGroup::count_steps(std::uint64_t tokens, Duration took) {
    tokens_ += tokens;
    if (tokens == 0) return;
    all_steps_took_ += took;
    undecided_[run_->round()] += took;
    member_.set_patience(patience_after(took));
}

RoundReport RunGroup::figures(std::uint32_t round) const {
    RoundReport out;
    out.round = round;
    out.train_loss = train_loss_;
    out.tokens = tokens_;
    out.bytes_sent = bytes_sent();
    const std::uint64_t steps =
        std::uint64_t{std::min(round, settings_.rounds)} * settings_.local_steps;
    out.allreduce_bytes = train::allreduce_bytes(run_->shared_parameters().size(), steps);
    const auto seconds =
        std::chrono::duration<double>(ports_.clock.monotonic() - training_started_).count();
    const auto since = tokens_ - (work_ ? work_->tokens : 0);
    out.steps_seconds = std::chrono::duration<double>(all_steps_took_).count();
    out.counted_seconds = std::chrono::duration<double>(counted_).count();
    // All stages of a pipeline train on the same tokens: together they tell them once.
    out.tokens_per_second =
        seconds > 0 ? static_cast<double>(since) / seconds / settings_.stages : 0;
    return out;
}

JobProgress RunGroup::progress() const {
    const std::lock_guard lock(mutex_);
    auto out = progress_;
    out.cheaters = member_.cheaters();
    return out;
}

void RunGroup::note(const std::function<void(JobProgress&)>& change) {
    const std::lock_guard lock(mutex_);
    change(progress_);
}

void RunGroup::set_phase(const std::string& phase) {
    note([&](auto& progress) { progress.phase = phase; });
}

void RunGroup::begin_training(std::uint64_t parameters) {
    training_started_ = ports_.clock.monotonic();
    set_phase("training");
    note([&](auto& progress) {
        progress.parameters = parameters;
        progress.round = run_->round();
    });
}

void RunGroup::end(const Status& status) {
    own_.settle();
    note([&](auto& progress) {
        progress.phase = status.ok() ? "finished" : "failed";
        if (!status.ok()) progress.error = status.error().message;
    });
}

}  // namespace mutirao::node
