// The nano backend beside libtorch, one thread each, and what a round's codec work costs at the
// same size.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/report.hpp"
#include "train/experiment.hpp"

namespace mutirao::bench {

// Steps of the GPT with 3.3 million parameters (4 layers, width 256, 128 bytes, batch 16), both
// backends in turns, the best of `steps`; and the fastest of a few starts, each of a process of its
// own: this program with model::kFreshStart and a name for make_fresh_model().
std::vector<Row> backend_rows(int steps, bool peers);

// What a process started so has to do; false when it cannot.
bool make_fresh_model(std::string_view backend);

// A run of that GPT with these settings' codec and schedule, for its times: one step a worker and
// fragment.
Outcome large_outcome(train::RunSettings settings, const Bytes& text);

}  // namespace mutirao::bench
