// What one 32 MiB block costs, step by step, on one thread.
#pragma once

#include <vector>

#include "report/report.hpp"

namespace mutirao::bench {

// Every step is repeated for at least `seconds` of this thread's own time, in turn with a memcpy of
// the bytes that the step reads; values are medians of thread time, so that other programs on the
// machine disturb them little. Every result is checked; a wrong one stops the process.
std::vector<Row> block_costs(double seconds);

}  // namespace mutirao::bench
