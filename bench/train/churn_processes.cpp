#include "train/churn_processes.hpp"

#include <iostream>
#include <stdlib.h>

#include "report/script_rows.hpp"

namespace mutirao::bench {

void churn_process_rows(bool quick, std::vector<Row>& rows) {
    ::setenv("MUTIRAO_BINARY", MUTIRAO_BINARY, 0);
    const auto measured =
        rows_of_script(std::string("exec python3 ") + CHURN_SCRIPT + (quick ? " --quick" : ""));
    if (measured.empty()) std::cerr << "churn: the run of real trainers did not come to its end\n";
    rows.insert(rows.end(), measured.begin(), measured.end());
}

}  // namespace mutirao::bench
