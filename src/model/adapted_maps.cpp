#include "model/adapted_maps.hpp"

#include "model/nano/matrix.hpp"

namespace mutirao::model {

bool is_adapted(const Parameter& parameter) {
    return parameter.shape.size() == 2 && parameter.name.starts_with("model.layers.");
}

std::vector<AdaptedMap> adapted_maps(std::span<const Parameter> layout, const LoraConfig& lora) {
    std::vector<AdaptedMap> maps;
    std::size_t at = 0;
    for (const auto& parameter : layout) {
        if (!is_adapted(parameter)) continue;
        const std::size_t outputs = parameter.shape[0], inputs = parameter.shape[1];
        maps.push_back({outputs, inputs, parameter.offset, at, at + lora.rank * inputs});
        at += lora.rank * (inputs + outputs);
    }
    return maps;
}

std::size_t adapter_count(std::span<const Parameter> layout, const LoraConfig& lora) {
    const auto last = adapted_maps(layout, lora).back();
    return last.b + last.outputs * lora.rank;
}

void merge_into(std::span<float> out, std::span<const AdaptedMap> maps, const LoraConfig& lora,
                std::span<const float> adapters) {
    for (const auto& map : maps)
        nano::multiply({.rows = map.outputs,
                        .columns = map.inputs,
                        .inner = lora.rank,
                        .scale = lora.scale(),
                        .into = nano::Into::add},
                       {adapters.data() + map.b, lora.rank}, {adapters.data() + map.a, map.inputs},
                       {out.data() + map.map, map.inputs});
}

void adapter_gradient(std::span<const float> whole, std::span<const AdaptedMap> maps,
                      const LoraConfig& lora, std::span<const float> adapters,
                      std::span<float> out) {
    for (const auto& map : maps) {
        const nano::ConstMatrix gradient{whole.data() + map.map, map.inputs};
        nano::transposed_multiply(
            {.rows = lora.rank, .columns = map.inputs, .inner = map.outputs, .scale = lora.scale()},
            {adapters.data() + map.b, lora.rank}, gradient, {out.data() + map.a, map.inputs});
        nano::multiply_transposed(
            {.rows = map.outputs, .columns = lora.rank, .inner = map.inputs, .scale = lora.scale()},
            gradient, {adapters.data() + map.a, map.inputs}, {out.data() + map.b, lora.rank});
    }
}

}  // namespace mutirao::model
