#include "model/lora_stage.hpp"

#include <cmath>

#include "model/adapters.hpp"
#include "model/backend_checks.hpp"

namespace mutirao::model {

namespace {

constexpr std::string_view kWeight = ".weight";

class AdaptedStage final : public Stage {
  public:
    AdaptedStage(std::unique_ptr<Stage> stage, Adapters adapters)
        : stage_(std::move(stage)), adapters_(std::move(adapters)) {}

    const StageRange& range() const override { return stage_->range(); }
    std::size_t parameter_count() const override { return adapters_.count(); }

    Status get_parameters(std::span<float> out) const override { return adapters_.get(out); }
    Status set_parameters(std::span<const float> in) override {
        TRY_VOID(adapters_.set(in));
        return merge();
    }
    OptimizerState optimizer_state() const override { return adapters_.optimizer_state(); }
    Status set_optimizer_state(const OptimizerState& state) override {
        return adapters_.set_optimizer_state(state);
    }

    Status begin_step(std::uint32_t rows) override { return stage_->begin_step(rows); }
    Result<double> forward(std::uint32_t micro_batch, const Batch& batch, std::span<const float> in,
                           std::span<float> out) override {
        return stage_->forward(micro_batch, batch, in, out);
    }
    Status backward(std::uint32_t micro_batch, std::span<const float> in,
                    std::span<float> out) override {
        return stage_->backward(micro_batch, in, out);
    }
    Status get_gradient(std::span<float> out) const override {
        std::vector<float> whole(stage_->parameter_count());
        TRY_VOID(stage_->get_gradient(whole));
        return adapters_.gradient(whole, out);
    }
    double square_sum(double later_stages) const override {
        std::vector<float> gradient(adapters_.count());
        ENSURE(get_gradient(gradient).ok());
        return adapters_.square_sum(gradient, later_stages);
    }
    Status step(double whole_square_sum, float learning_rate) override {
        if (!std::isfinite(whole_square_sum))
            return Error{ErrorKind::corrupt, "training diverged: the gradient is not finite"};
        std::vector<float> gradient(adapters_.count());
        TRY_VOID(get_gradient(gradient));
        adapters_.step(gradient, learning_rate, whole_square_sum);
        return merge();
    }

    Status merge() { return stage_->set_parameters(adapters_.merged()); }

  private:
    const std::unique_ptr<Stage> stage_;  // holds the merged parameters
    Adapters adapters_;
};

}  // namespace

std::vector<Parameter> lora_stage_layout(std::span<const Parameter> layers,
                                         const LoraConfig& lora) {
    LayoutBuilder out;
    for (const auto& parameter : layers) {
        if (!is_adapted(parameter)) continue;
        const auto stem = parameter.name.substr(0, parameter.name.size() - kWeight.size());
        out.add(stem + ".lora_A.weight", {lora.rank, parameter.shape[1]});
        out.add(stem + ".lora_B.weight", {parameter.shape[0], lora.rank});
    }
    return std::move(out).take();
}

StageSlice lora_stage_slice(const GptConfig& config, const LoraConfig& lora,
                            const StageRange& range) {
    const auto size = [&](const StageRange& of) {
        return of.layers == 0 ? 0 : adapter_count(stage_layout(config, of), lora);
    };
    return {size({0, range.first}), size(range)};
}

Result<std::unique_ptr<Stage>> adapt_stage(std::unique_ptr<Stage> base, const GptConfig& config,
                                           const LoraConfig& lora,
                                           const OptimizerSettings& settings,
                                           std::span<const float> adapters) {
    TRY_VOID(lora.validate());
    const auto layout = stage_layout(config, base->range());
    const auto wanted = adapter_count(layout, lora);
    if (adapters.size() != wanted)
        return wrong_size("the list of adapters", adapters.size(), wanted);
    std::vector<float> parameters(base->parameter_count());
    TRY_VOID(base->get_parameters(parameters));
    auto stage = std::make_unique<AdaptedStage>(
        std::move(base), Adapters(layout, std::move(parameters), lora, settings, adapters));
    TRY_VOID(stage->merge());
    return std::unique_ptr<Stage>(std::move(stage));
}

}  // namespace mutirao::model
