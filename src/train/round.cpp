#include "train/round.hpp"

#include <algorithm>
#include <string>

#include "train/codec_frame.hpp"

namespace mutirao::train {

namespace {

// Rounds whose payloads may still be travelling while local steps go on.
std::uint32_t lag(Schedule schedule) { return schedule == Schedule::delay_keep ? 1 : 0; }

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
                                      std::vector<float> parameters) {
    TRY_VOID(settings.validate());
    TRY_VOID(check_identity(identity));
    TRY_VOID(check_finite(parameters));
    TRY(auto codec, make_codec(settings.codec, parameters.size()));
    return TrainingRun(settings, identity, std::move(codec), std::move(parameters));
}

TrainingRun::TrainingRun(const RunSettings& settings, const Identity& identity,
                         std::unique_ptr<PseudoGradientCodec> codec, std::vector<float> parameters)
    : settings_(settings),
      identity_(identity),
      codec_(std::move(codec)),
      feedback_(parameters.size(), settings.error_decay),
      outer_(parameters.size(), settings.outer),
      shared_(std::move(parameters)),
      start_(shared_),
      shared_hash_(state_hash(shared_)) {}

bool TrainingRun::wants_steps() const {
    return round_ < settings_.rounds && round_ - applied_ <= lag(settings_.schedule);
}

bool TrainingRun::finished() const {
    return round_ == settings_.rounds && applied_ == settings_.rounds;
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

    std::vector<float> delta(local.size());
    for (std::size_t i = 0; i < local.size(); ++i) delta[i] = start_[i] - local[i];
    std::vector<float> compensated = delta;
    feedback_.compensate(compensated);
    TRY(auto encoded, codec_->encode(compensated));
    std::vector<float> decoded(local.size());
    TRY_VOID(codec_->decode(encoded, decoded));
    feedback_.keep(compensated, decoded);

    if (settings_.schedule == Schedule::delay_keep) {
        pending_ = std::move(delta);
        start_.assign(local.begin(), local.end());
    }
    bases_[round_] = shared_hash_;
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
    if (payload.round > round_ + 1 || payload.round >= settings_.rounds)
        return Error{ErrorKind::corrupt, named(payload) + " comes too early: here it is round " +
                                             std::to_string(round_) + " of " +
                                             std::to_string(settings_.rounds)};
    if (payload.delta.size() != codec_->encoded_size())
        return Error{ErrorKind::corrupt, named(payload) + " has " +
                                             std::to_string(payload.delta.size()) +
                                             " bytes of pseudo-gradient, not " +
                                             std::to_string(codec_->encoded_size())};
    return payload;
}

Status TrainingRun::apply(std::span<const Payload> payloads) {
    const auto round = due();
    if (!round) return Error{ErrorKind::invalid_argument, "no round waits for its payloads now"};
    TRY(const auto mean, mean_delta(payloads, *round));

    outer_.step(shared_, mean);
    shared_hash_ = state_hash(shared_);
    bases_.erase(*round);
    ++applied_;
    start_ = shared_;
    // Progress that no outer step has seen yet goes on.
    if (round_ > applied_)
        for (std::size_t i = 0; i < start_.size(); ++i) start_[i] -= pending_[i];
    return {};
}

// In worker order whatever the order of arrival: float sums depend on it, and all peers must hold
// the same bits.
Result<std::vector<float>> TrainingRun::mean_delta(std::span<const Payload> payloads,
                                                   std::uint32_t round) const {
    std::vector<const Payload*> by_worker(identity_.workers, nullptr);
    const Digest& base = bases_.at(round);
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
    if (!missing.empty())
        return Error{ErrorKind::unavailable, "round " + std::to_string(round) +
                                                 " has no payload of worker " + missing +
                                                 "; going on without a worker is not built yet"};

    std::vector<float> sum(shared_.size(), 0), decoded(shared_.size());
    for (const auto* payload : by_worker) {
        if (auto status = codec_->decode(payload->delta, decoded); !status.ok())
            return Error(status.error()).within(named(*payload));
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += decoded[i];
    }
    const float share = 1.0f / static_cast<float>(identity_.workers);
    for (auto& value : sum) value *= share;
    TRY_VOID(check_finite(sum));
    return sum;
}

}  // namespace mutirao::train
