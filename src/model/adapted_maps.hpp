// Where the maps that adapters change lie, and what follows for the adapters from the maps'
// gradient (lora.hpp): of a whole model or of a stage's layers. Pure.
#pragma once

#include <span>
#include <vector>

#include "model/lora.hpp"

namespace mutirao::model {

// A map of the base and its two factors, in their flat lists.
struct AdaptedMap {
    std::size_t outputs, inputs;
    std::size_t map, a, b;
};

bool is_adapted(const Parameter& parameter);
std::vector<AdaptedMap> adapted_maps(std::span<const Parameter> layout, const LoraConfig& lora);
// Of a layout with at least one layer.
std::size_t adapter_count(std::span<const Parameter> layout, const LoraConfig& lora);

// out = base + s B A of every map; `out` has the base.
void merge_into(std::span<float> out, std::span<const AdaptedMap> maps, const LoraConfig& lora,
                std::span<const float> adapters);
// dA = s B^T dW and dB = s dW A^T of every map.
void adapter_gradient(std::span<const float> whole, std::span<const AdaptedMap> maps,
                      const LoraConfig& lora, std::span<const float> adapters,
                      std::span<float> out);

}  // namespace mutirao::model
