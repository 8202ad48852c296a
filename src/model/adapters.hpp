// Adapters (lora.hpp) of a base that somebody else computes with: their values, their inner
// optimizer, and the base's parameters with them. Of a whole model or of a stage's layers.
//
// One thread at a time. Memory: the base twice, and four floats an adapter.
#pragma once

#include "model/adapted_maps.hpp"
#include "model/nano/optimizer.hpp"

namespace mutirao::model {

class Adapters {
  public:
    // `layout` is the base's, with at least one layer; `values` as many as it has adapters.
    Adapters(std::span<const Parameter> layout, std::vector<float> base, const LoraConfig& lora,
             const OptimizerSettings& settings, std::span<const float> values);

    std::size_t count() const { return values_.size(); }
    // invalid_argument for a list of another size; so all below.
    Status get(std::span<float> out) const;
    Status set(std::span<const float> in);
    OptimizerState optimizer_state() const { return optimizer_.state(); }
    Status set_optimizer_state(const OptimizerState& state);

    // The base's parameters with the adapters in them; until the next call.
    std::span<const float> merged();
    // From the gradient of all that is merged.
    Status gradient(std::span<const float> whole, std::span<float> out) const;
    // As InnerOptimizer's, of an adapters' gradient.
    double square_sum(std::span<const float> gradient, double later) const {
        return optimizer_.square_sum(gradient, later);
    }
    void step(std::span<const float> gradient, float learning_rate, double whole_square_sum) {
        optimizer_.step(values_, gradient, learning_rate, whole_square_sum);
    }

  private:
    LoraConfig lora_;
    std::vector<AdaptedMap> maps_;
    std::vector<float> base_, merged_, values_;
    nano::InnerOptimizer optimizer_;
};

}  // namespace mutirao::model
