#include "model/stage.hpp"

namespace mutirao::model {

Result<std::vector<StageRange>> cut_into_stages(const GptConfig& config, std::uint32_t stages) {
    TRY_VOID(config.validate());
    if (stages < 1 || stages > config.layers)
        return Error{ErrorKind::invalid_argument, "a model of " + std::to_string(config.layers) +
                                                      " layers is cut into 1 to as many stages, "
                                                      "not into " +
                                                      std::to_string(stages)};
    std::vector<StageRange> ranges;
    for (std::uint32_t i = 0; i < stages; ++i) {
        const std::uint32_t first = config.layers * i / stages;
        ranges.push_back({first, config.layers * (i + 1) / stages - first});
    }
    return ranges;
}

std::vector<Parameter> stage_layout(const GptConfig& config, const StageRange& range) {
    const auto whole = parameter_layout(config);
    // The embedding, then equally many tensors a layer, then the norm and the head.
    const std::size_t a_layer = (whole.size() - 3) / config.layers;
    const bool is_first = range.first == 0;
    const bool is_last = range.first + range.layers == config.layers;
    const std::size_t begin = is_first ? 0 : 1 + range.first * a_layer;
    const std::size_t end = is_last ? whole.size() : 1 + (range.first + range.layers) * a_layer;
    std::vector<Parameter> layout(whole.begin() + static_cast<std::ptrdiff_t>(begin),
                                  whole.begin() + static_cast<std::ptrdiff_t>(end));
    for (auto& parameter : layout) parameter.offset -= whole[begin].offset;
    return layout;
}

StageSlice stage_slice(const GptConfig& config, const StageRange& range) {
    std::size_t offset = 0;
    if (range.first > 0) {
        const auto before = stage_layout(config, {0, range.first});
        offset = before.back().offset + before.back().size;
    }
    const auto layout = stage_layout(config, range);
    return {offset, layout.back().offset + layout.back().size};
}

}  // namespace mutirao::model
