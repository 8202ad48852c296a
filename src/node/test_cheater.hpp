// For tests: workers that cheat, by what they do with their model.
#pragma once

#include <memory>

#include "model/nano_backend.hpp"

namespace mutirao::node {

// What a worker that cheats does with its model.
enum class Cheat : std::uint8_t {
    none = 0,
    lazy = 1,     // says that it trains, and leaves the parameters as they are
    favours = 2,  // trains, and says something else of its owners' examples
    invents = 3,  // commits to moments of its inner optimizer that it has not
    hides = 4,    // trains, but does not show what it began with
    tires = 5,    // trains for kStepsBeforeTiring steps, then is lazy
};

inline constexpr int kStepsBeforeTiring = 54;

class CheatingModel final : public model::Model {
  public:
    CheatingModel(std::unique_ptr<model::Model> model, Cheat cheat)
        : model_(std::move(model)), cheat_(cheat) {}
    const model::ModelConfig& config() const override { return model_->config(); }
    std::size_t parameter_count() const override { return model_->parameter_count(); }
    Status get_parameters(std::span<float> out) const override {
        return model_->get_parameters(out);
    }
    Status set_parameters(std::span<const float> in) override { return model_->set_parameters(in); }
    Result<model::OptimizerState> optimizer_state() const override {
        TRY(auto state, model_->optimizer_state());
        if (cheat_ == Cheat::invents)
            for (auto& moment : state.moments) moment *= 3;
        return state;
    }
    Status set_optimizer_state(const model::OptimizerState& state) override {
        return model_->set_optimizer_state(state);
    }
    Result<float> train_step(const model::Batch& batch, float learning_rate) override {
        const bool is_tired = cheat_ == Cheat::tires && steps_++ >= kStepsBeforeTiring;
        return cheat_ == Cheat::lazy || is_tired ? model_->loss(batch)
                                                 : model_->train_step(batch, learning_rate);
    }
    Result<float> loss(const model::Batch& batch) override { return model_->loss(batch); }
    Result<float> gradient(const model::Batch& batch, std::span<float> out) override {
        auto loss = model_->gradient(batch, out);
        if (cheat_ == Cheat::favours)
            for (auto& value : out) value *= 4;
        return loss;
    }

  private:
    const std::unique_ptr<model::Model> model_;
    const Cheat cheat_;
    int steps_ = 0;
};

class CheatingBackend final : public model::Backend {
  public:
    explicit CheatingBackend(Cheat cheat) : cheat_(cheat) {}
    std::string_view name() const override { return "cheating"; }
    Result<std::unique_ptr<model::Model>> create(const model::ModelConfig& config,
                                                 const model::OptimizerSettings& settings,
                                                 std::span<const float> parameters) override {
        TRY(auto model, nano_->create(config, settings, parameters));
        return std::unique_ptr<model::Model>(
            std::make_unique<CheatingModel>(std::move(model), cheat_));
    }

  private:
    const std::unique_ptr<model::Backend> nano_ = model::make_nano_backend();
    const Cheat cheat_;
};

}  // namespace mutirao::node
