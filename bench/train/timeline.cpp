#include "train/timeline.hpp"

#include <algorithm>

namespace mutirao::bench {

namespace {

constexpr std::uint64_t kLossSeed = 1;

}  // namespace

Timeline timeline(const Experiment& experiment, const Outcome& outcome, Exchange exchange,
                  const LinkShape& shape) {
    const auto& settings = experiment.settings;
    const std::uint64_t steps_a_round = experiment.all_reduce ? 1 : settings.local_steps;
    const std::uint64_t rounds = settings.steps() / steps_a_round;
    const std::uint64_t closing = experiment.all_reduce ? 0 : settings.fragments - 1;
    const bool delayed = !experiment.all_reduce && settings.schedule != train::Schedule::sync;
    const double compute = static_cast<double>(steps_a_round) * outcome.step_seconds;
    ShapedNetwork network(experiment.workers, shape, kLossSeed);
    const auto send = [&](const std::vector<double>& ready) {
        return exchange == Exchange::ring ? ring_all_reduce(network, ready, outcome.payload_bytes)
                                          : all_gather(network, ready, outcome.payload_bytes);
    };

    std::vector<double> now(experiment.workers, 0), before(experiment.workers, 0);
    std::vector<double> over;  // the slowest worker's time after each round
    const auto take = [&](const std::vector<double>& arrived) {
        for (std::size_t w = 0; w < now.size(); ++w)
            now[w] = std::max(now[w], arrived[w]) + outcome.round_seconds;
    };
    for (std::uint64_t round = 0; round < rounds + closing; ++round) {
        for (auto& time : now) time += round < rounds ? compute : 0;
        const auto arrived = send(now);
        if (!delayed) take(arrived);
        if (delayed && round > 0) take(before);
        before = arrived;
        over.push_back(*std::max_element(now.begin(), now.end()));
    }
    if (delayed) take(before);

    Timeline out;
    out.total = *std::max_element(now.begin(), now.end());
    out.utilisation = compute * static_cast<double>(rounds) / out.total;
    for (std::size_t i = 0; i < outcome.steps.size(); ++i) {
        const auto round = static_cast<std::uint64_t>(outcome.steps[i]) / steps_a_round;
        const bool last = i + 1 == outcome.steps.size();
        out.seconds.push_back(last ? out.total : over[round - 1]);
    }
    return out;
}

std::optional<double> time_to_loss(const Outcome& outcome, const Timeline& timeline, double loss) {
    for (std::size_t i = 0; i < outcome.losses.size(); ++i) {
        if (outcome.losses[i] > loss) continue;
        if (i == 0) return timeline.seconds[0];
        const double before = outcome.losses[i - 1];
        const double part = (before - loss) / (before - outcome.losses[i]);
        return timeline.seconds[i - 1] + part * (timeline.seconds[i] - timeline.seconds[i - 1]);
    }
    return std::nullopt;
}

}  // namespace mutirao::bench
