// Worker processes at the ends of a real line.
#pragma once

#include <string>
#include <vector>

#include "links/real_line.hpp"
#include "train/settings.hpp"

namespace mutirao::bench {

// Two programs beside this one: rounds over our transport, and Gloo's all-reduce after each step.
enum class LineProgram : std::uint8_t { rounds, gloo };

struct LineRun {
    LineProgram program = LineProgram::rounds;
    train::RunSettings settings;
    std::uint32_t workers = 2;
    std::uint32_t steps = 0;  // Gloo's; rounds follow the settings
    std::string text_file;
    double seconds_max = 120;  // what is not over by then is killed
};

// Means over all workers; wall time, as others on the machine let it be.
struct LineResult {
    double step_seconds = 0;      // an inner step (Gloo: forward and backward only)
    double exchange_seconds = 0;  // Gloo: an all-reduce; rounds: waiting for payloads, a round
    double tokens_a_second = 0;   // of all workers together
    double utilisation = 0;       // share of the time in inner steps
    double payload_bytes = 0;     // of one worker, a round; 0 for Gloo
};

// One process at each of the line's first ends. unavailable with the reason when one fails.
Result<LineResult> run_over(const RealLine& line, const LineRun& run);

}  // namespace mutirao::bench
