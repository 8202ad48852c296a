// What a training run starts from: fresh parameters, a stored checkpoint, or adapters of one.
#pragma once

#include "model/checkpoint.hpp"

namespace mutirao::model {

struct Start {
    std::unique_ptr<Model> model;
    // Of what is trained: the model's, or its adapters'.
    std::vector<float> parameters;
    std::vector<Parameter> layout;
};

struct StartSettings {
    ModelConfig config;
    OptimizerSettings optimizer = {};
    std::uint64_t seed = 1;               // of fresh parameters
    std::optional<LoraConfig> lora = {};  // wants a base
};

// `base` is null for fresh parameters. invalid_argument when base and settings do not fit.
Result<Start> start_training(Backend& backend, const StartSettings& settings,
                             const Checkpoint* base);

}  // namespace mutirao::model
