// The same as churn.hpp asks, of real trainers: processes of one network on this machine, of which
// one is killed every 25 rounds, then every ten, and started again.
#pragma once

#include <vector>

#include "report/report.hpp"

namespace mutirao::bench {

// About five minutes, or half of it when `quick`. Without rows, and with a word about it, when a
// network cannot be run here.
void churn_process_rows(bool quick, std::vector<Row>& rows);

}  // namespace mutirao::bench
