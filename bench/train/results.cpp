#include "train/results.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace mutirao::bench {

double Results::loss() const {
    double sum = 0;
    for (const auto& outcome : seeds) sum += outcome.final_loss();
    return sum / static_cast<double>(seeds.size());
}

double Results::spread() const {
    double sum = 0;
    for (const auto& outcome : seeds) sum += std::pow(outcome.final_loss() - loss(), 2);
    return seeds.size() < 2 ? 0 : std::sqrt(sum / static_cast<double>(seeds.size() - 1));
}

double Results::bytes_a_step() const {
    const auto& settings = method.experiment.settings;
    const double rounds = method.experiment.all_reduce ? static_cast<double>(settings.steps())
                                                       : settings.rounds_total();
    return seeds[0].payload_bytes * rounds / seeds[0].parameters /
           static_cast<double>(settings.steps());
}

std::string digits(double value, int places) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", places, value);
    return text;
}

std::vector<Results> measure(std::vector<Method> methods, int seeds, const Bytes& text,
                             unsigned at_once) {
    std::vector<Results> all;
    std::vector<Experiment> first;
    for (auto& method : methods) {
        for (const float rate : method.rates) first.push_back(with(method, rate, 1));
        all.push_back({std::move(method), 0, "", {}});
    }
    std::cerr << "choosing rates: " << first.size() << " runs\n";
    auto outcomes = run_all(first, text, at_once);
    std::vector<Experiment> rest;
    std::size_t at = 0;
    for (auto& results : all) {
        std::size_t best = at;
        for (const float rate : results.method.rates) {
            const auto& outcome = outcomes[at];
            results.rates +=
                (results.rates.empty() ? "" : ", ") + digits(rate, 3) + ": " +
                (outcome.losses.empty() ? "diverged" : digits(outcome.final_loss(), 3));
            if (!outcome.losses.empty() && (outcomes[best].losses.empty() ||
                                            outcome.final_loss() < outcomes[best].final_loss()))
                best = at;
            if (best == at) results.rate = rate;
            ++at;
        }
        ENSURE(!outcomes[best].losses.empty(), "a method diverged at all rates");
        results.seeds.push_back(outcomes[best]);
        for (int seed = 2; seed <= seeds; ++seed)
            rest.push_back(with(results.method, results.rate, static_cast<unsigned>(seed)));
    }
    std::cerr << "other seeds: " << rest.size() << " runs\n";
    outcomes = run_all(rest, text, at_once);
    at = 0;
    for (auto& results : all)
        for (int seed = 2; seed <= seeds; ++seed)
            if (auto outcome = outcomes[at++]; !outcome.losses.empty())
                results.seeds.push_back(std::move(outcome));
    return all;
}

const Results& find(const std::vector<Results>& all, std::string_view name) {
    return *std::find_if(all.begin(), all.end(),
                         [&](const Results& results) { return results.method.name == name; });
}

}  // namespace mutirao::bench
