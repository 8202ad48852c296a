#include "train/local_steps.hpp"

namespace mutirao::train {

Result<StepsTaken> take_steps(const RunSettings& settings, const LocalSteps& which,
                              Sampler& sampler, const TrainStep& train_step,
                              const std::function<bool(std::uint32_t taken)>& stops) {
    const std::uint64_t first = std::uint64_t{which.round} * settings.local_steps;
    StepsTaken out;
    double loss_sum = 0;
    while (out.steps < which.steps && !(stops && stops(out.steps))) {
        const std::uint64_t step = first + out.steps;
        TRY(const auto batch, sampler.read_batch(which.worker, step, settings.batch));
        TRY(const auto loss, train_step(settings.batch, batch, settings.learning_rate_at(step)));
        loss_sum += static_cast<double>(loss);
        ++out.steps;
    }
    if (out.steps > 0) out.loss = loss_sum / out.steps;
    return out;
}

}  // namespace mutirao::train
