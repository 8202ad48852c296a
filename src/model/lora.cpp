#include "model/lora.hpp"

#include <cmath>

#include "base/random.hpp"
#include "model/adapters.hpp"
#include "model/backend_checks.hpp"
#include "model/lora_stage.hpp"

namespace mutirao::model {

namespace {

constexpr std::uint32_t kAlphaMax = 4096;

class AdaptedModel final : public Model {
  public:
    AdaptedModel(std::unique_ptr<Model> model, Adapters adapters)
        : model_(std::move(model)),
          adapters_(std::move(adapters)),
          full_gradient_(model_->parameter_count()),
          gradient_(adapters_.count()) {}

    const ModelConfig& config() const override { return model_->config(); }
    std::size_t parameter_count() const override { return adapters_.count(); }

    Status get_parameters(std::span<float> out) const override { return adapters_.get(out); }

    Status set_parameters(std::span<const float> in) override {
        TRY_VOID(adapters_.set(in));
        return merge();
    }

    Result<OptimizerState> optimizer_state() const override { return adapters_.optimizer_state(); }

    Status set_optimizer_state(const OptimizerState& state) override {
        return adapters_.set_optimizer_state(state);
    }

    Result<float> train_step(const Batch& batch, float learning_rate) override {
        TRY(const auto value, gradient(batch, gradient_));
        if (!std::isfinite(value))
            return Error{ErrorKind::corrupt, "training diverged: the loss is not finite"};
        adapters_.step(gradient_, learning_rate, adapters_.square_sum(gradient_, 0));
        TRY_VOID(merge());
        return value;
    }

    Result<float> loss(const Batch& batch) override { return model_->loss(batch); }

    Result<float> gradient(const Batch& batch, std::span<float> out) override {
        TRY(const auto value, model_->gradient(batch, full_gradient_));
        TRY_VOID(adapters_.gradient(full_gradient_, out));
        return value;
    }

    Status next_token_logits(std::span<const Token> tokens, std::span<float> out) override {
        return model_->next_token_logits(tokens, out);
    }

    Status merge() { return model_->set_parameters(adapters_.merged()); }

  private:
    const std::unique_ptr<Model> model_;  // holds the merged parameters
    Adapters adapters_;
    std::vector<float> full_gradient_, gradient_;
};

}  // namespace

Status LoraConfig::validate() const {
    if (rank < 1 || rank > kLoraRankMax || alpha < 1 || alpha > kAlphaMax)
        return Error{ErrorKind::invalid_argument, "adapters of rank " + std::to_string(rank) +
                                                      " and alpha " + std::to_string(alpha) +
                                                      ", not 1 to " + std::to_string(kLoraRankMax) +
                                                      " and 1 to " + std::to_string(kAlphaMax)};
    return {};
}

std::vector<Parameter> lora_layout(const GptConfig& config, const LoraConfig& lora) {
    return lora_stage_layout(parameter_layout(config), lora);
}

std::vector<float> initial_adapters(const GptConfig& config, const LoraConfig& lora,
                                    std::uint64_t seed) {
    std::vector<float> adapters(adapter_count(parameter_layout(config), lora));
    SeededRandom random(seed);
    for (const auto& map : adapted_maps(parameter_layout(config), lora))
        fill_uniform(std::span(adapters).subspan(map.a, lora.rank * map.inputs),
                     1 / std::sqrt(static_cast<float>(map.inputs)), random);
    return adapters;
}

std::vector<float> merge_adapters(const GptConfig& config, const LoraConfig& lora,
                                  std::span<const float> base, std::span<const float> adapters) {
    ENSURE(base.size() == config.parameter_count());
    ENSURE(adapters.size() == adapter_count(parameter_layout(config), lora));
    std::vector<float> merged(base.begin(), base.end());
    merge_into(merged, adapted_maps(parameter_layout(config), lora), lora, adapters);
    return merged;
}

Result<std::unique_ptr<Model>> adapt(std::unique_ptr<Model> base, const LoraConfig& lora,
                                     const OptimizerSettings& settings,
                                     std::span<const float> adapters) {
    TRY_VOID(lora.validate());
    const auto* config = base->config().gpt();
    if (!config)
        return Error{ErrorKind::unimplemented, "a model of kind " +
                                                   std::string(base->config().kind_name()) +
                                                   " takes no adapters: train it whole"};
    const auto wanted = adapter_count(parameter_layout(*config), lora);
    if (adapters.size() != wanted)
        return wrong_size("the list of adapters", adapters.size(), wanted);
    std::vector<float> parameters(base->parameter_count());
    TRY_VOID(base->get_parameters(parameters));
    auto model = std::make_unique<AdaptedModel>(
        std::move(base),
        Adapters(parameter_layout(*config), std::move(parameters), lora, settings, adapters));
    TRY_VOID(model->merge());
    return std::unique_ptr<Model>(std::move(model));
}

}  // namespace mutirao::model
