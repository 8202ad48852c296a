#include "train/round.hpp"

#include <algorithm>
#include <string>

#include "base/codec.hpp"
#include "crypto/hash.hpp"
#include "train/codec_frame.hpp"
#include "train/fixed_point.hpp"
#include "train/secure_sum.hpp"

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

Result<std::unique_ptr<PseudoGradientCodec>> piece_codec(const RunSettings& settings,
                                                         std::size_t size,
                                                         std::span<const Matrix> matrices) {
    return make_codec(settings.codec, size,
                      settings.fragments == 1 ? matrices : std::span<const Matrix>());
}

Digest shared_hash(std::span<const float> parameters, const Digest& preparation) {
    const auto state = state_hash(parameters);
    if (preparation == Digest{}) return state;
    Writer writer;
    writer.raw(state.span()).raw(preparation.span());
    return crypto::blake3_keyed(crypto::domain_key("prepared training state"), writer.bytes());
}

Result<TrainingRun> TrainingRun::make(const RunSettings& settings, const Identity& identity,
                                      std::vector<float> parameters,
                                      std::span<const Matrix> matrices) {
    TRY_VOID(settings.validate());
    TRY_VOID(check_identity(identity));
    TRY_VOID(check_finite(parameters));
    const std::uint32_t count = settings.fragments;
    if (parameters.size() < count)
        return Error{ErrorKind::invalid_argument, "fewer parameters than fragments"};
    if (settings.quorum > identity.workers)
        return Error{ErrorKind::invalid_argument, "a quorum of " + std::to_string(settings.quorum) +
                                                      " among " + std::to_string(identity.workers) +
                                                      " workers"};
    if (settings.secure_sum && (identity.workers < 2 || identity.workers > kSumWorkersMax))
        return Error{ErrorKind::invalid_argument,
                     "a secure sum is of 2 to " + std::to_string(kSumWorkersMax) + " workers"};
    std::vector<Fragment> fragments;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto [offset, size] = piece_of(parameters.size(), count, i);
        TRY(auto codec, piece_codec(settings, size, matrices));
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
      shared_hash_(train::shared_hash(shared_, identity_.preparation)) {}

Result<TrainingRun> TrainingRun::resume(const RunSettings& settings, const Identity& identity,
                                        RunState state, std::span<const Matrix> matrices) {
    return resume(settings, identity, std::move(state), matrices, lag(settings.schedule));
}

Result<TrainingRun> TrainingRun::resume(const RunSettings& settings, const Identity& identity,
                                        RunState state, std::span<const Matrix> matrices,
                                        std::uint32_t pending_max) {
    TRY(auto run, make(settings, identity, std::move(state.shared), matrices));
    if (state.run != identity.run || state.round > run.rounds_total() ||
        state.applied > state.round || state.round - state.applied > pending_max ||
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

WorkerState TrainingRun::own_state(model::OptimizerState inner) const {
    WorkerState out{state(), start_, {}, {}, {}, std::move(inner)};
    for (const auto& fragment : fragments_) {
        const auto error = fragment.feedback.error();
        out.mark.insert(out.mark.end(), fragment.mark.begin(), fragment.mark.end());
        out.error.insert(out.error.end(), error.begin(), error.end());
    }
    for (const auto& [round, pending] : pending_)
        out.pending.push_back({pending.delta, pending.decoded});
    return out;
}

Result<TrainingRun> TrainingRun::go_on(const RunSettings& settings, const Identity& identity,
                                       const WorkerState& state, std::span<const Matrix> matrices) {
    TRY(auto run, resume(settings, identity, state.shared, matrices, lag(settings.schedule) + 1));
    const auto size = run.shared_.size();
    bool fits = state.start.size() == size && state.mark.size() == size &&
                state.error.size() == size && state.pending.size() == run.pending_.size();
    auto at = run.pending_.begin();
    for (std::size_t i = 0; fits && i < state.pending.size(); ++i, ++at) {
        const auto& [delta, decoded] = state.pending[i];
        const auto wanted = run.fragment_of(at->first).size;
        for (const auto* list : {&delta, &decoded})
            fits = fits && (list->empty() || list->size() == wanted);
        at->second.delta = delta;
        at->second.decoded = decoded;
    }
    if (!fits) return Error{ErrorKind::invalid_argument, "the state is of another run, or of none"};
    run.start_ = state.start;
    for (auto& fragment : run.fragments_) {
        const auto mark = fragment.of(std::span(state.mark));
        fragment.mark.assign(mark.begin(), mark.end());
        fragment.feedback.set_error(fragment.of(std::span(state.error)));
    }
    return run;
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
                                        double loss, const Sending& sending) {
    if (!wants_steps() || local.size() != shared_.size())
        return Error{ErrorKind::invalid_argument,
                     !wants_steps() ? "no local steps are wanted now"
                                    : "the local parameters are of another model size"};
    if (!std::isfinite(loss)) return Error{ErrorKind::corrupt, "the training loss is not finite"};
    if (settings_.privacy.on() && !sending.noise)
        return Error{ErrorKind::invalid_argument, "a run with privacy needs randomness for noise"};

    auto& fragment = fragment_of(round_);
    const auto here = fragment.of(local);
    Pending pending{std::vector<float>(fragment.size), std::vector<float>(fragment.size),
                    shared_hash_};
    for (std::size_t i = 0; i < here.size(); ++i) pending.delta[i] = fragment.mark[i] - here[i];
    std::vector<float> compensated = pending.delta;
    fragment.feedback.compensate(compensated);
    if (settings_.privacy.on()) protect(compensated, *sending.noise);
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
                           std::move(encoded), sending.before, sending.credits});
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

// With a secure sum only the sum is seen, and as many workers as it needs share the noise.
void TrainingRun::protect(std::span<float> delta, Random& random) const {
    const auto& privacy = settings_.privacy;
    clip_length(delta, privacy.clip);
    double deviation = static_cast<double>(privacy.noise) * static_cast<double>(privacy.clip);
    if (settings_.secure_sum)
        deviation /= std::sqrt(settings_.needed(identity_.workers - identity_.spares));
    add_gaussian_noise(delta, deviation, random);
}

Status TrainingRun::apply(std::span<const Payload> payloads) {
    const auto round = due();
    if (!round) return Error{ErrorKind::invalid_argument, "no round waits for its payloads now"};
    if (settings_.secure_sum)
        return Error{ErrorKind::invalid_argument, "this run's payloads are masked: use their sum"};
    TRY(const auto merged, merged_delta(payloads, *round));
    step_outwards(*round, merged, payloads);
    return {};
}

Status TrainingRun::apply_sum(std::span<const Payload> payloads,
                              std::span<const std::uint32_t> sum) {
    const auto round = due();
    if (!round || !settings_.secure_sum)
        return Error{ErrorKind::invalid_argument, !round ? "no round waits for its payloads now"
                                                         : "this run has no secure sums"};
    TRY(const auto by_worker, in_worker_order(payloads, *round));
    std::vector<float> merged(fragment_of(*round).size);
    if (sum.size() != merged.size())
        return Error{ErrorKind::invalid_argument, "the sum is of another number of values"};
    fixed_mean(sum, by_worker.size(), merged);
    step_outwards(*round, merged, payloads);
    return {};
}

void TrainingRun::step_outwards(std::uint32_t round, std::span<const float> merged,
                                std::span<const Payload> payloads) {
    auto& fragment = fragment_of(round);
    fragment.outer.step(fragment.of(std::span(shared_)), merged);
    shared_hash_ = train::shared_hash(shared_, identity_.preparation);
    const bool heard = std::ranges::any_of(
        payloads, [&](const Payload& payload) { return payload.worker == identity_.worker; });
    const auto& sent = pending_.at(round).decoded;
    // With privacy nothing comes twice.
    if (!heard && !sent.empty() && !settings_.privacy.on()) fragment.feedback.give_back(sent);
    pending_.erase(round);
    ++applied_;
    restart_from_shared(fragment, round);
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
            return Error{ErrorKind::corrupt,
                         named(payload) +
                             " started from other parameters, or data prepared otherwise (" +
                             payload.base.hex() + ") than ours (" + base.hex() + ")"};
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
    std::vector<std::uint64_t> tokens;
    for (const auto* payload : by_worker) {
        tokens.push_back(payload->tokens);
        deltas.emplace_back(fragment.size);
        if (auto status = fragment.codec->decode(payload->delta, deltas.back()); !status.ok())
            return Error(status.error()).within(named(*payload));
    }
    auto merged = merge(std::move(deltas), settings_.merge, tokens);
    TRY_VOID(check_finite(merged));
    return merged;
}

}  // namespace mutirao::train
