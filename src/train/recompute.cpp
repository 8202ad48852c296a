#include "train/recompute.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "train/audit.hpp"
#include "train/local_steps.hpp"

namespace mutirao::train {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::uint64_t total(std::span<const std::uint64_t> numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
}

double length_of(std::span<const float> list) {
    double sum = 0;
    for (const float value : list) sum += static_cast<double>(value) * static_cast<double>(value);
    return std::sqrt(sum);
}

double in_units(double difference, double length) {
    return difference == 0 ? 0 : difference / length;
}

double difference(std::span<const float> claimed, std::span<const float> computed, double length) {
    if (claimed.size() != computed.size()) return kInfinity;
    std::vector<float> off(computed.size());
    for (std::size_t i = 0; i < off.size(); ++i) off[i] = claimed[i] - computed[i];
    return in_units(length_of(off), length);
}

double credits_distance(std::span<const std::int64_t> claimed,
                        std::span<const std::int64_t> computed) {
    if (claimed.size() != computed.size()) return kInfinity;
    double off = 0, size = 0;
    for (std::size_t i = 0; i < computed.size(); ++i) {
        off += std::abs(static_cast<double>(claimed[i]) - static_cast<double>(computed[i]));
        size += std::abs(static_cast<double>(computed[i]));
    }
    return in_units(off, size);
}

}  // namespace

Result<Recomputed> recompute_round(const RecomputedWorker& whose, const WorkerState& before,
                                   std::uint32_t steps, Sampler& sampler, model::Model& model,
                                   const BeforeStep& before_step) {
    const auto& [settings, identity, matrices] = whose;
    if (settings.privacy.on())
        return Error{ErrorKind::invalid_argument,
                     "a round with noise for privacy cannot be computed again"};
    TRY(auto run, TrainingRun::go_on(settings, identity, before, matrices));
    if (!run.wants_steps() || steps > run.local_steps())
        return Error{ErrorKind::invalid_argument, "round " + std::to_string(run.round()) +
                                                      " does not begin with " +
                                                      std::to_string(steps) + " steps there"};
    TRY_VOID(model.set_parameters(run.start_parameters()));
    TRY_VOID(model.set_optimizer_state(before.inner));
    const auto used = total(sampler.tokens_used());
    std::uint64_t step = std::uint64_t{run.round()} * settings.local_steps;
    TRY(const auto done,
        take_steps(settings, {identity.worker, run.round(), steps}, sampler,
                   [&](auto rows, auto examples, auto learning_rate) -> Result<float> {
                       if (before_step) TRY_VOID(before_step(step++, examples));
                       return model.train_step({rows, examples}, learning_rate);
                   }));
    std::vector<float> local(run.start_parameters().size());
    TRY_VOID(model.get_parameters(local));
    TRY(const auto bytes, run.finish_round(local, total(sampler.tokens_used()) - used, done.loss,
                                           {.before = worker_state_digest(before)}));
    TRY(auto payload, decode_payload(bytes));
    const auto sent = run.sent(payload.round);
    const double length = length_of(sent);
    return Recomputed{std::move(run), std::move(payload), length};
}

Result<Comparison> compare_round(const RecomputedWorker& whose, const Payload& sent,
                                 const Recomputed& computed, double tolerance) {
    const auto& wanted = computed.payload;
    if (sent.before != wanted.before) return Comparison{Finding::other_state, 0};
    if (sent.run != wanted.run || sent.round != wanted.round || sent.worker != wanted.worker ||
        sent.base != wanted.base || sent.tokens != wanted.tokens)
        return Comparison{Finding::other_values, 0};
    double off = 0;
    if (sent.delta != wanted.delta) {
        const auto here = computed.run.sent(sent.round);
        std::vector<float> claimed(here.size());
        TRY(const auto codec, piece_codec(whose.settings, here.size(), whose.matrices));
        if (!codec->decode(sent.delta, claimed).ok()) return Comparison{Finding::other_values, 0};
        off = relative_distance(claimed, here);
        if (off > tolerance) return Comparison{Finding::other_values, off};
    }
    const double credits_off = credits_distance(sent.credits, wanted.credits);
    if (credits_off > tolerance) return Comparison{Finding::other_credits, credits_off};
    const double most = std::max(off, credits_off);
    const bool same = sent.delta == wanted.delta && credits_off == 0;
    return Comparison{same ? Finding::same : Finding::close, most};
}

double state_distance(const WorkerState& claimed, const WorkerState& computed, double length) {
    if (claimed.shared != computed.shared || claimed.pending.size() != computed.pending.size() ||
        claimed.inner.steps != computed.inner.steps ||
        claimed.inner.moments.size() != computed.inner.moments.size())
        return kInfinity;
    double most = std::max({difference(claimed.start, computed.start, length),
                            difference(claimed.mark, computed.mark, length),
                            difference(claimed.error, computed.error, length)});
    for (std::size_t i = 0; i < computed.pending.size(); ++i) {
        const auto& [delta, decoded] = computed.pending[i];
        most = std::max({most, difference(claimed.pending[i].delta, delta, length),
                         difference(claimed.pending[i].decoded, decoded, length)});
    }
    return std::max(most, relative_distance(claimed.inner.moments, computed.inner.moments));
}

}  // namespace mutirao::train
