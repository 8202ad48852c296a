#include "train/round.hpp"

#include <algorithm>
#include <string>

#include "train/codec_frame.hpp"

namespace mutirao::train {

namespace {

// Rounds whose payloads may still be travelling while local steps go on.
std::uint32_t lag(Schedule schedule) { return schedule == Schedule::sync ? 0 : 1; }

Status check_identity(const TrainingRun::Identity& identity) {
    if (identity.workers >= 1 && identity.workers <= kWorkersMax &&
        identity.worker < identity.workers)
        return {};
    return Error{ErrorKind::invalid_argument,
                 "worker " + std::to_string(identity.worker) + " of " +
                     std::to_string(identity.workers) + "; a run has 1 to " +
                     std::to_string(kWorkersMax) + " workers, counted from 0"};
}

std::string named(const Payload& payload) {
    return "the payload of worker " + std::to_string(payload.worker) + " for round " +
           std::to_string(payload.round);
}

}  // namespace

Result<TrainingRun> TrainingRun::make(const RunSettings& settings, const Identity& identity,
                                      std::vector<float> parameters,
                                      std::span<const Matrix> matrices) {
    TRY_VOID(settings.validate());
    TRY_VOID(check_identity(identity));
    TRY_VOID(check_finite(parameters));
    const std::size_t count = settings.fragments;
    if (parameters.size() < count)
        return Error{ErrorKind::invalid_argument, "fewer parameters than fragments"};
    if (settings.quorum > identity.workers)
        return Error{ErrorKind::invalid_argument, "a quorum of " + std::to_string(settings.quorum) +
                                                      " among " + std::to_string(identity.workers) +
                                                      " workers"};
    std::vector<Fragment> fragments;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t offset = parameters.size() * i / count;
        const std::size_t size = parameters.size() * (i + 1) / count - offset;
        TRY(auto codec,
            make_codec(settings.codec, size, count == 1 ? matrices : std::span<const Matrix>()));
        const auto begin = parameters.begin() + static_cast<std::ptrdiff_t>(offset);
        fragments.push_back({offset,
                             size,
                             std::move(codec),
                             ErrorFeedback(size, settings.error_decay),
                             OuterOptimizer(size, settings.outer),
                             {begin, begin + static_cast<std::ptrdiff_t>(size)}});
    }
    return TrainingRun(settings, identity, std::move(fragments), std::move(parameters));
}

TrainingRun::TrainingRun(const RunSettings& settings, const Identity& identity,
                         std::vector<Fragment> fragments, std::vector<float> parameters)
    : settings_(settings),
      identity_(identity),
      fragments_(std::move(fragments)),
      shared_(std::move(parameters)),
      start_(shared_),
      shared_hash_(state_hash(shared_)) {}

Result<TrainingRun> TrainingRun::resume(const RunSettings& settings, const Identity& identity,
                                        RunState state, std::span<const Matrix> matrices) {
    TRY(auto run, make(settings, identity, std::move(state.shared), matrices));
    if (state.run != identity.run || state.round > run.rounds_total() ||
        state.applied > state.round || state.round - state.applied > lag(settings.schedule) ||
        state.bases.size() != state.round - state.applied ||
        state.momentum.size() != run.shared_.size())
        return Error{ErrorKind::invalid_argument, "the state is of another run, or of none"};
    TRY_VOID(check_finite(state.momentum));
    run.round_ = state.round;
    run.applied_ = state.applied;
    for (std::size_t i = 0; i < state.bases.size(); ++i)
        run.pending_[state.applied + static_cast<std::uint32_t>(i)] = {{}, {}, state.bases[i]};
    for (auto& fragment : run.fragments_)
        fragment.outer.set_momentum(fragment.of(std::span<const float>(state.momentum)));
    return run;
}

RunState TrainingRun::state() const {
    RunState state{identity_.run, round_, applied_, {}, shared_, {}};
    for (const auto& [round, pending] : pending_) state.bases.push_back(pending.base);
    for (const auto& fragment : fragments_) {
        const auto momentum = fragment.outer.momentum();
        state.momentum.insert(state.momentum.end(), momentum.begin(), momentum.end());
    }
    return state;
}

bool TrainingRun::wants_steps() const {
    return round_ < rounds_total() && round_ - applied_ <= lag(settings_.schedule);
}

bool TrainingRun::finished() const {
    return round_ == rounds_total() && applied_ == rounds_total();
}

std::optional<std::uint32_t> TrainingRun::due() const {
    if (wants_steps() || finished()) return std::nullopt;
    return applied_;
}

Result<Bytes> TrainingRun::finish_round(std::span<const float> local, std::uint64_t tokens,
                                        double loss) {
    if (!wants_steps() || local.size() != shared_.size())
        return Error{ErrorKind::invalid_argument,
                     !wants_steps() ? "no local steps are wanted now"
                                    : "the local parameters are of another model size"};
    if (!std::isfinite(loss)) return Error{ErrorKind::corrupt, "the training loss is not finite"};

    auto& fragment = fragments_[round_ % fragments_.size()];
    const auto here = fragment.of(local);
    Pending pending{std::vector<float>(fragment.size), std::vector<float>(fragment.size),
                    shared_hash_};
    for (std::size_t i = 0; i < here.size(); ++i) pending.delta[i] = fragment.mark[i] - here[i];
    std::vector<float> compensated = pending.delta;
    fragment.feedback.compensate(compensated);
    TRY(auto encoded, fragment.codec->encode(compensated));
    TRY_VOID(fragment.codec->decode(encoded, pending.decoded));
    fragment.feedback.keep(compensated, pending.decoded);

    if (settings_.schedule == Schedule::delay_restart) {
        pending.delta.clear();
    } else {
        start_.assign(local.begin(), local.end());
        fragment.mark.assign(here.begin(), here.end());
    }
    pending_[round_] = std::move(pending);
    return encode_payload({identity_.run, round_++, identity_.worker, tokens, loss, shared_hash_,
                           std::move(encoded)});
}

Result<Payload> TrainingRun::check_payload(ByteSpan bytes) const {
    TRY(auto payload, decode_payload(bytes));
    if (payload.run != identity_.run)
        return Error{
            ErrorKind::permission_denied,
            named(payload) + " is of run " + payload.run.hex() + ", not of " + identity_.run.hex()};
    if (payload.worker >= identity_.workers)
        return Error{
            ErrorKind::permission_denied,
            named(payload) + ": the run has " + std::to_string(identity_.workers) + " workers"};
    if (payload.round < applied_)
        return Error{ErrorKind::already_exists, named(payload) + ": that round is complete"};
    if (payload.round > round_ + 1 || payload.round >= rounds_total())
        return Error{ErrorKind::corrupt, named(payload) + " comes too early: here it is round " +
                                             std::to_string(round_) + " of " +
                                             std::to_string(rounds_total())};
    const auto wanted = fragment_of(payload.round).codec->encoded_size();
    if (payload.delta.size() != wanted)
        return Error{ErrorKind::corrupt,
                     named(payload) + " has " + std::to_string(payload.delta.size()) +
                         " bytes of pseudo-gradient, not " + std::to_string(wanted)};
    return payload;
}

Status TrainingRun::apply(std::span<const Payload> payloads) {
    const auto round = due();
    if (!round) return Error{ErrorKind::invalid_argument, "no round waits for its payloads now"};
    TRY(const auto merged, merged_delta(payloads, *round));

    auto& fragment = fragments_[*round % fragments_.size()];
    fragment.outer.step(fragment.of(std::span(shared_)), merged);
    shared_hash_ = state_hash(shared_);
    const bool heard = std::ranges::any_of(
        payloads, [&](const Payload& payload) { return payload.worker == identity_.worker; });
    const auto& sent = pending_.at(*round).decoded;
    if (!heard && !sent.empty()) fragment.feedback.give_back(sent);
    pending_.erase(*round);
    ++applied_;
    restart_from_shared(fragment, *round);
    return {};
}

// Own progress that no outer step has seen goes on, unless the schedule restarts: what is pending,
// and what came after the last measurement.
void TrainingRun::restart_from_shared(Fragment& fragment, std::uint32_t round) {
    const auto shared = fragment.of(std::span<const float>(shared_));
    const auto start = fragment.of(std::span(start_));
    std::vector<float> mark(shared.begin(), shared.end());
    const auto count = static_cast<std::uint32_t>(fragments_.size());
    for (const auto& [later, pending] : pending_) {
        if (later % count != round % count || pending.delta.empty()) continue;
        for (std::size_t i = 0; i < mark.size(); ++i) mark[i] -= pending.delta[i];
    }
    const bool restart = settings_.schedule == Schedule::delay_restart;
    for (std::size_t i = 0; i < mark.size(); ++i)
        start[i] = restart ? mark[i] : mark[i] - (fragment.mark[i] - start[i]);
    fragment.mark = std::move(mark);
}

// In worker order whatever the order of arrival: float sums depend on it, and all peers must hold
// the same bits.
Result<std::vector<const Payload*>> TrainingRun::in_worker_order(std::span<const Payload> payloads,
                                                                 std::uint32_t round) const {
    std::vector<const Payload*> by_worker(identity_.workers, nullptr);
    const Digest& base = pending_.at(round).base;
    for (const auto& payload : payloads) {
        if (payload.run != identity_.run || payload.round != round ||
            payload.worker >= identity_.workers || by_worker[payload.worker])
            return Error{ErrorKind::corrupt,
                         named(payload) + " is no part of round " + std::to_string(round)};
        if (payload.base != base)
            return Error{ErrorKind::corrupt, named(payload) + " started from other parameters (" +
                                                 payload.base.hex() + ") than ours (" + base.hex() +
                                                 ")"};
        by_worker[payload.worker] = &payload;
    }
    std::string missing;
    for (std::uint32_t worker = 0; worker < identity_.workers; ++worker)
        if (!by_worker[worker]) missing += (missing.empty() ? "" : ", ") + std::to_string(worker);
    const std::size_t wanted = settings_.quorum == 0 ? identity_.workers : settings_.quorum;
    if (payloads.size() < wanted)
        return Error{ErrorKind::unavailable, "round " + std::to_string(round) +
                                                 " has no payload of worker " + missing + "; " +
                                                 std::to_string(wanted) + " are needed"};
    std::erase(by_worker, nullptr);
    return by_worker;
}

Result<std::vector<float>> TrainingRun::merged_delta(std::span<const Payload> payloads,
                                                     std::uint32_t round) const {
    TRY(const auto by_worker, in_worker_order(payloads, round));
    const auto& fragment = fragment_of(round);
    std::vector<std::vector<float>> deltas;
    for (const auto* payload : by_worker) {
        deltas.emplace_back(fragment.size);
        if (auto status = fragment.codec->decode(payload->delta, deltas.back()); !status.ok())
            return Error(status.error()).within(named(*payload));
    }
    auto merged = merge(std::move(deltas), settings_.merge);
    TRY_VOID(check_finite(merged));
    return merged;
}

}  // namespace mutirao::train
