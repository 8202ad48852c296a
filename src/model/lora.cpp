#include "model/lora.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "model/adapted_maps.hpp"
#include "model/backend_checks.hpp"
#include "model/lora_stage.hpp"
#include "model/nano/optimizer.hpp"

namespace mutirao::model {

namespace {

constexpr std::uint32_t kAlphaMax = 4096;
class AdaptedModel final : public Model {
  public:
    AdaptedModel(std::unique_ptr<Model> model, std::vector<float> base, const LoraConfig& lora,
                 const OptimizerSettings& settings, std::span<const float> adapters)
        : model_(std::move(model)),
          lora_(lora),
          maps_(adapted_maps(parameter_layout(model_->config()), lora)),
          base_(std::move(base)),
          merged_(base_.size()),
          full_gradient_(base_.size()),
          adapters_(adapters.begin(), adapters.end()),
          gradient_(adapters.size()),
          optimizer_(settings, lora_layout(*model_->config().gpt(), lora), nano::best_kernels()) {}

    const ModelConfig& config() const override { return model_->config(); }
    std::size_t parameter_count() const override { return adapters_.size(); }

    Status get_parameters(std::span<float> out) const override {
        if (out.size() != adapters_.size())
            return wrong_size("the list", out.size(), adapters_.size());
        std::copy(adapters_.begin(), adapters_.end(), out.begin());
        return {};
    }

    Status set_parameters(std::span<const float> in) override {
        if (in.size() != adapters_.size())
            return wrong_size("the list", in.size(), adapters_.size());
        std::copy(in.begin(), in.end(), adapters_.begin());
        return merge();
    }

    Result<OptimizerState> optimizer_state() const override { return optimizer_.state(); }

    Status set_optimizer_state(const OptimizerState& state) override {
        if (optimizer_.set_state(state)) return {};
        return wrong_size("the optimizer's state", state.moments.size(), 2 * adapters_.size());
    }

    Result<float> train_step(const Batch& batch, float learning_rate) override {
        TRY(const auto value, gradient(batch, gradient_));
        if (!std::isfinite(value))
            return Error{ErrorKind::corrupt, "training diverged: the loss is not finite"};
        optimizer_.step(adapters_, gradient_, learning_rate);
        TRY_VOID(merge());
        return value;
    }

    Result<float> loss(const Batch& batch) override { return model_->loss(batch); }

    Result<float> gradient(const Batch& batch, std::span<float> out) override {
        if (out.size() != adapters_.size())
            return wrong_size("the list", out.size(), adapters_.size());
        TRY(const auto value, model_->gradient(batch, full_gradient_));
        adapter_gradient(full_gradient_, maps_, lora_, adapters_, out);
        return value;
    }

    Status next_token_logits(std::span<const Token> tokens, std::span<float> out) override {
        return model_->next_token_logits(tokens, out);
    }

    Status merge() {
        std::copy(base_.begin(), base_.end(), merged_.begin());
        merge_into(merged_, maps_, lora_, adapters_);
        return model_->set_parameters(merged_);
    }

  private:
    const std::unique_ptr<Model> model_;  // holds the merged parameters
    const LoraConfig lora_;
    const std::vector<AdaptedMap> maps_;
    const std::vector<float> base_;
    std::vector<float> merged_, full_gradient_;
    std::vector<float> adapters_, gradient_;
    nano::InnerOptimizer optimizer_;
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
    auto model = std::make_unique<AdaptedModel>(std::move(base), std::move(parameters), lora,
                                                settings, adapters);
    TRY_VOID(model->merge());
    return std::unique_ptr<Model>(std::move(model));
}

}  // namespace mutirao::model
