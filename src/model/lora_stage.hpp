// Low-rank adapters (lora.hpp) of a model that is cut into stages (stage.hpp): they live with their
// layers.
#pragma once

#include "model/lora.hpp"
#include "model/stage.hpp"

namespace mutirao::model {

// lora_layout() of some layers, as stage_layout() has them.
std::vector<Parameter> lora_stage_layout(std::span<const Parameter> layers, const LoraConfig& lora);
// Where the adapters of a stage's layers lie in the whole model's list of adapters.
StageSlice lora_stage_slice(const GptConfig& config, const LoraConfig& lora,
                            const StageRange& range);

// A stage whose parameters are its layers' adapters; with the other stages it is bit for bit the
// adapted model, as stages are the whole one. `base` is used up.
Result<std::unique_ptr<Stage>> adapt_stage(std::unique_ptr<Stage> base, const GptConfig& config,
                                           const LoraConfig& lora,
                                           const OptimizerSettings& settings,
                                           std::span<const float> adapters);

}  // namespace mutirao::model
