// Contestants that take turns, so that whatever disturbs the machine disturbs all of them alike.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "report/report.hpp"

namespace mutirao::bench {

struct Contestant {
    std::string name;  // those of one name are one peer in several ways: the fastest counts
    // One round: wall milliseconds of the work alone, after its result was checked. An error takes
    // the contestant out; its sentence goes to the report.
    std::function<Result<double>()> run;
};

struct Standing {
    std::string name;
    std::optional<double> best_ms;
    std::string note;  // why there is no time
};

// One round each that does not count (pages are touched, tables are made), then `rounds` that do,
// in turns. The result has one standing a name, in order of first appearance; the best round counts
// because noise only ever adds.
std::vector<Standing> compete(const std::vector<Contestant>& contestants, int rounds);

// Wall milliseconds of one call.
double timed_ms(const std::function<void()>& work);

// The first standing beside each of the others: a row each, in 10^6 bytes of `bytes` a second, or
// in milliseconds. Alone, it makes a row without a peer.
std::vector<Row> speed_rows(const std::string& measure, std::size_t bytes,
                            const std::vector<Standing>& standings);
std::vector<Row> time_rows(const std::string& measure, const std::vector<Standing>& standings);

}  // namespace mutirao::bench
