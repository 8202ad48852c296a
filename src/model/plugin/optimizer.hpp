// Inner optimizers: libtorch's AdamW, and Muon for the hidden matrices.
#pragma once

#include <memory>
#include <torch/optim/adamw.h>
#include <torch/types.h>
#include <vector>

#include "model/backend.hpp"

namespace mutirao::model::plugin {

class InnerOptimizer {
  public:
    // `parameters` are leaves in `layout` order whose storage the optimizer updates in place.
    InnerOptimizer(const OptimizerSettings& settings, const std::vector<Parameter>& layout,
                   const std::vector<at::Tensor>& parameters);

    // One step from the gradients, in parameter order.
    void step(std::vector<at::Tensor> gradients, float learning_rate);

    // Moments where nano's lie (nano/optimizer.hpp): AdamW's two, Muon's momentum in the first
    // list.
    OptimizerState state() const;
    // False, and nothing changes, when it is of another number of parameters.
    bool set_state(const OptimizerState& state);

  private:
    struct Hidden {
        std::size_t index;
        at::Tensor momentum;
    };
    void muon_step(const std::vector<at::Tensor>& gradients, float learning_rate);

    OptimizerSettings settings_;
    std::vector<Parameter> layout_;
    std::uint64_t steps_ = 0;
    std::vector<at::Tensor> parameters_;
    std::vector<Hidden> hidden_;      // Muon's; empty with Optimizer::adamw
    std::vector<std::size_t> other_;  // AdamW's
    std::unique_ptr<torch::optim::AdamW> adamw_;
};

}  // namespace mutirao::model::plugin
