#include "coding/contest.hpp"

#include <algorithm>
#include <chrono>

namespace mutirao::bench {
namespace {

std::vector<Row> rows_of(const std::string& measure, const std::string& unit,
                         const std::vector<Standing>& standings,
                         const std::function<double(double)>& from_ms) {
    const auto figure = [&](const Standing& standing) {
        return standing.best_ms ? std::optional(from_ms(*standing.best_ms)) : std::nullopt;
    };
    const auto& own = standings.front();
    std::vector<Row> rows;
    for (std::size_t i = 1; i < standings.size(); ++i)
        rows.push_back({measure,
                        figure(own),
                        unit,
                        standings[i].name,
                        figure(standings[i]),
                        {},
                        standings[i].note});
    if (rows.empty()) rows.push_back({measure, figure(own), unit, "", {}, {}, own.note});
    return rows;
}

}  // namespace

std::vector<Standing> compete(const std::vector<Contestant>& contestants, int rounds) {
    std::vector<std::optional<double>> best(contestants.size());
    std::vector<std::string> failures(contestants.size());
    for (int round = -1; round < rounds; ++round)
        for (std::size_t i = 0; i < contestants.size(); ++i) {
            if (!failures[i].empty()) continue;
            const auto ms = contestants[i].run();
            if (!ms.ok())
                failures[i] = ms.error().message, best[i].reset();
            else if (round >= 0)
                best[i] = std::min(best[i].value_or(*ms), *ms);
        }
    std::vector<Standing> standings;
    for (std::size_t i = 0; i < contestants.size(); ++i) {
        auto same = std::ranges::find(standings, contestants[i].name, &Standing::name);
        if (same == standings.end())
            same = standings.insert(same, {contestants[i].name, {}, failures[i]});
        if (!best[i]) continue;
        same->best_ms = std::min(same->best_ms.value_or(*best[i]), *best[i]);
        same->note.clear();
    }
    return standings;
}

double timed_ms(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - begin;
    return taken.count();
}

std::vector<Row> speed_rows(const std::string& measure, std::size_t bytes,
                            const std::vector<Standing>& standings) {
    return rows_of(measure, "MB/s", standings,
                   [&](double ms) { return static_cast<double>(bytes) / ms / 1e3; });
}

std::vector<Row> time_rows(const std::string& measure, const std::vector<Standing>& standings) {
    return rows_of(measure, "ms", standings, [](double ms) { return ms; });
}

}  // namespace mutirao::bench
