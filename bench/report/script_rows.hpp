// Rows that a script measures and prints, a JSON object a line with Row's fields; `goal_of` is
// "ratio at least", "value at least" or "value at most".
#pragma once

#include <string>
#include <vector>

#include "report/report.hpp"

namespace mutirao::bench {

// Runs a command of the shell to its end. Empty when it fails. Throws at a line that is no such
// row.
std::vector<Row> rows_of_script(const std::string& command);

}  // namespace mutirao::bench
