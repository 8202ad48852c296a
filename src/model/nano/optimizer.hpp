// AdamW and Muon over one flat list, the same updates as plugin/optimizer.hpp makes with libtorch.
// One thread at a time. Throws std::bad_alloc.
#pragma once

#include <span>
#include <vector>

#include "model/backend.hpp"
#include "model/nano/kernel.hpp"

namespace mutirao::model::nano {

class InnerOptimizer {
  public:
    InnerOptimizer(const OptimizerSettings& settings, std::vector<Parameter> layout,
                   const Kernels& kernels);

    // One step of all parameters from their gradient.
    void step(std::span<float> parameters, std::span<const float> gradient, float learning_rate) {
        step(parameters, gradient, learning_rate, square_sum(gradient, 0));
    }
    // The same for some tensors of a larger list, whose whole gradient has this sum of squares.
    void step(std::span<float> parameters, std::span<const float> gradient, float learning_rate,
              double whole_square_sum);
    // `later`, that of the tensors after these, goes on from the last tensor to the first, so that
    // a list cut in parts adds up to the same bits.
    double square_sum(std::span<const float> gradient, double later) const;

    OptimizerState state() const;
    // False, and nothing changes, when it is of another number of parameters.
    bool set_state(const OptimizerState& state);

  private:
    bool is_muons(const Parameter& parameter) const;
    void muon_step(const Parameter& parameter, std::span<float> parameters, const float* gradient,
                   float scale, float learning_rate);
    // update_ (rows x columns of `parameter`) becomes an approximately orthogonal matrix.
    void orthogonalize(std::size_t rows, std::size_t columns);

    const OptimizerSettings settings_;
    const std::vector<Parameter> layout_;
    const Kernels& kernels_;
    std::vector<float> first_, second_;  // AdamW's moments; Muon's momentum is in first_
    std::uint64_t steps_ = 0;
    std::vector<float> update_, next_, square_, polynomial_;
};

}  // namespace mutirao::model::nano
