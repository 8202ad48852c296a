// What the measured runs say, as rows of the report.
#pragma once

#include "report/report.hpp"
#include "train/results.hpp"

namespace mutirao::bench {

// Final losses, gaps to all-reduce, bytes.
void loss_rows(const std::vector<Results>& all, std::vector<Row>& rows);
// Seconds and bytes to a loss over slow links, simulated from measured compute and bytes. Real
// links were found to take `longer` times what the simulation says (line_rows.hpp): rates are less
// by that.
void time_rows(const std::vector<Results>& all, double longer, std::vector<Row>& rows);
// Tokens a second over all-reduce's, likewise; trains 3.3 million parameters for a minute.
void throughput_rows(const Bytes& text, std::vector<Row>& rows);
// 107 billion parameters: nothing of it is measured (train/projection.hpp).
void projection_rows(std::vector<Row>& rows);

}  // namespace mutirao::bench
