// Rows of what was measured over real lines (links/real_line.hpp), by real processes.
#pragma once

#include "report/report.hpp"
#include "train/methods.hpp"

namespace mutirao::bench {

struct LineMeasure {
    std::string text_file;
    double seconds = 20;     // of our run for each figure, about
    std::uint32_t gloo = 3;  // all-reduces that count
    std::size_t rates = 2;   // of the line: R = 357.5, R = 1,100
    bool is_short = false;   // one rate, on which an all-reduce takes few steps: does it run?
};

// Tokens a second beside Gloo's all-reduce over the same line, on which one takes R steps; and how
// far the simulated links are from real ones. Without root, or where a worker fails, a row says
// why. Returns by how much a real exchange takes longer than the simulated one, or 1 where none was
// possible.
double line_rows(const LineMeasure& measure, std::vector<Row>& rows);

}  // namespace mutirao::bench
