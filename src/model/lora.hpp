// Low-rank adapters (LoRA: Hu et al. 2021, arXiv 2106.09685): a model is fine-tuned by learning,
// beside each of its maps W, a product of two thin matrices: W + alpha / rank * B A. Only A and B
// are trained, exchanged and stored.
//
// The gradients of A and B follow from W's, so an adapted model works over any backend's Model:
// dA = s B^T dW and dB = s dW A^T. Cost: a step of the whole model, and 4 * rank multiplications a
// parameter.
#pragma once

#include <memory>

#include "model/backend.hpp"

namespace mutirao::model {

inline constexpr std::uint32_t kLoraRankMax = 256;

struct LoraConfig {
    std::uint32_t rank = 8;
    std::uint32_t alpha = 16;

    bool operator==(const LoraConfig&) const = default;
    // rank 1 to kLoraRankMax, alpha 1 to 4096.
    Status validate() const;
    float scale() const { return static_cast<float>(alpha) / static_cast<float>(rank); }
};

// lora_A [rank, inputs] and lora_B [outputs, rank] of each query, key, value, output, gate, up and
// down map, layer by layer, named as the PEFT library names them.
std::vector<Parameter> lora_layout(const GptConfig& config, const LoraConfig& lora);

// A uniform in 1 / sqrt(inputs), B zero: the adapted model begins as the base.
std::vector<float> initial_adapters(const GptConfig& config, const LoraConfig& lora,
                                    std::uint64_t seed);

// The full parameters of the adapted model. Sizes must be those of the layouts.
std::vector<float> merge_adapters(const GptConfig& config, const LoraConfig& lora,
                                  std::span<const float> base, std::span<const float> adapters);

// A model whose parameters are the adapters, in lora_layout() order; losses and scores are those of
// the merged model. `base` must be a GPT (unimplemented otherwise) and is used up.
Result<std::unique_ptr<Model>> adapt(std::unique_ptr<Model> base, const LoraConfig& lora,
                                     const OptimizerSettings& settings,
                                     std::span<const float> adapters);

}  // namespace mutirao::model
