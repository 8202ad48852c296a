// A worker's local steps of one round: what it trains on and how far each step goes. Whoever looks
// at its work takes the same steps again.
#pragma once

#include <functional>

#include "train/sampler.hpp"
#include "train/settings.hpp"

namespace mutirao::train {

// One step of a model; returns the loss before it.
using TrainStep =
    std::function<Result<float>(std::uint32_t rows, ByteSpan examples, float learning_rate)>;

struct LocalSteps {
    std::uint32_t worker = 0;
    std::uint32_t round = 0;
    std::uint32_t steps = 0;  // at most
};

struct StepsTaken {
    std::uint32_t steps = 0;
    double loss = 0;  // their mean, 0 of none
};

// `stops`, unless empty, is asked before each step, with the number of those taken. Errors are the
// model's and the data's. One thread at a time.
Result<StepsTaken> take_steps(const RunSettings& settings, const LocalSteps& which,
                              Sampler& sampler, const TrainStep& train_step,
                              const std::function<bool(std::uint32_t taken)>& stops = {});

}  // namespace mutirao::train
