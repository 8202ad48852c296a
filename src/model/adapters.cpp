#include "model/adapters.hpp"

#include <algorithm>

#include "model/backend_checks.hpp"
#include "model/lora_stage.hpp"

namespace mutirao::model {

Adapters::Adapters(std::span<const Parameter> layout, std::vector<float> base,
                   const LoraConfig& lora, const OptimizerSettings& settings,
                   std::span<const float> values)
    : lora_(lora),
      maps_(adapted_maps(layout, lora)),
      base_(std::move(base)),
      merged_(base_.size()),
      values_(values.begin(), values.end()),
      optimizer_(settings, lora_stage_layout(layout, lora), nano::best_kernels()) {}

Status Adapters::get(std::span<float> out) const {
    if (out.size() != count()) return wrong_size("the list", out.size(), count());
    std::ranges::copy(values_, out.begin());
    return {};
}

Status Adapters::set(std::span<const float> in) {
    if (in.size() != count()) return wrong_size("the list", in.size(), count());
    std::ranges::copy(in, values_.begin());
    return {};
}

Status Adapters::set_optimizer_state(const OptimizerState& state) {
    if (optimizer_.set_state(state)) return {};
    return wrong_size("the optimizer's state", state.moments.size(), 2 * count());
}

std::span<const float> Adapters::merged() {
    std::ranges::copy(base_, merged_.begin());
    merge_into(merged_, maps_, lora_, values_);
    return merged_;
}

Status Adapters::gradient(std::span<const float> whole, std::span<float> out) const {
    if (out.size() != count()) return wrong_size("the list", out.size(), count());
    adapter_gradient(whole, maps_, lora_, values_, out);
    return {};
}

}  // namespace mutirao::model
