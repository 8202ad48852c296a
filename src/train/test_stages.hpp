// For tests of what goes through a pipeline's stages: a small model, and what they are told of it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/nano_backend.hpp"
#include "train/stage_worker.hpp"

namespace mutirao::train {

inline constexpr model::GptConfig kStagedConfig{3, 32, 2, 32};
inline constexpr std::uint32_t kStagedRows = 4;  // of a micro-batch

// Of whoever draws no examples and takes no steps.
inline StageJob staged_job() {
    return {.rows = kStagedRows,
            .values_a_row = std::size_t{kStagedConfig.context} * kStagedConfig.width,
            .example_bytes = std::size_t{kStagedConfig.context} + 1,
            .answers = kStagedConfig.context,
            .codec = ActivationCodec::float32,
            .learning_rate = {},
            .examples = {}};
}

// The whole model's parameters, cut.
inline std::vector<std::unique_ptr<model::Stage>> stages_of(std::span<const float> whole,
                                                            std::uint32_t stages) {
    std::vector<std::unique_ptr<model::Stage>> out;
    for (const auto& range : model::cut_into_stages(kStagedConfig, stages).value()) {
        const auto slice = model::stage_slice(kStagedConfig, range);
        out.push_back(model::make_nano_stage(kStagedConfig, range, {},
                                             whole.subspan(slice.offset, slice.size))
                          .value());
    }
    return out;
}

}  // namespace mutirao::train
