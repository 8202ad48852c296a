// What every Backend must do, as checks for its tests to call.
#pragma once

#include <vector>

#include "model/backend.hpp"

namespace mutirao::model {

// Larger than a fresh model's, so that every non-linearity is in play.
std::vector<float> random_parameters(const GptConfig& config);
Bytes random_tokens(std::size_t size);

void expect_agrees_with_reference(Backend& backend);
// Bit for bit, from another process's parameters and OptimizerState.
void expect_goes_on_from_its_optimizers_state(Backend& backend);
void expect_learns_and_refuses_wrong_sizes(Backend& backend);

}  // namespace mutirao::model
