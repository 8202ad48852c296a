// One training run of K workers in this process, on the nano backend: they take turns on one
// thread, exchange by memory, and their work is timed; what the exchange would take on a link is
// computed apart (timeline.hpp).
#pragma once

#include <string>
#include <vector>

#include "train/settings.hpp"

namespace mutirao::bench {

struct Experiment {
    train::RunSettings settings;
    std::uint32_t workers = 4;
    // One optimizer steps on all workers' batches together, which is what averaging their gradients
    // after each step computes (bf16 rounding of what travels is left out, to its advantage).
    bool all_reduce = false;
    std::uint32_t held_out_rows = 192;  // windows that the loss is measured on
};

struct Outcome {
    double step_seconds = 0;   // CPU time of one inner step of one worker
    double round_seconds = 0;  // CPU time of one worker's codec and outer step, a round
    double parameters = 0;
    double payload_bytes = 0;           // of one worker, a round (all-reduce: 2 bytes a parameter)
    std::vector<double> steps, losses;  // held-out nats a byte after so many inner steps
    double final_loss() const { return losses.empty() ? 0 : losses.back(); }
};

// Ends the process with a sentence when anything fails: a bench's settings are its own.
Outcome run(const Experiment& experiment, const Bytes& text);

// Runs all, `at_once` processes at a time, each on one thread; outcomes in the order of
// `experiments`. A run that diverged has no losses.
std::vector<Outcome> run_all(const std::vector<Experiment>& experiments, const Bytes& text,
                             unsigned at_once);

}  // namespace mutirao::bench
