// A run from which workers are lost and come back: real rounds of a quorum, real models, each on
// this one thread; time is counted in rounds of compute.
#pragma once

#include "report/report.hpp"
#include "train/methods.hpp"

namespace mutirao::bench {

struct Churn {
    std::uint32_t workers = 10;
    std::uint32_t rounds_between_losses =
        10;  // one of the workers each time: a tenth in ten rounds
    // In rounds of compute.
    double grace = 0.1;  // that the others wait for a payload that does not come
    double restart = 1;  // until a lost worker runs again
    double fetch = 1;    // of the state from a peer
};

struct ChurnOutcome {
    double utilisation = 0;  // steps that an outer step saw, of what all would do that never stop
    double loss = 0;         // held out, at the end
    std::uint32_t lost = 0, joined = 0;
};

// Ends the process with a sentence when anything fails. `churn.rounds_between_losses` 0: nobody is
// lost. Same arguments, same outcome.
ChurnOutcome run_with_churn(const Experiment& experiment, const Churn& churn, const Bytes& text);

// The row of the report; `steps` of each worker.
void churn_rows(std::uint32_t steps, const Bytes& text, std::vector<Row>& rows);

}  // namespace mutirao::bench
