#include "model/stage.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "model/backend_contract_test.hpp"
#include "model/nano/network.hpp"
#include "model/nano_backend.hpp"

namespace mutirao::model {
namespace {

std::vector<std::unique_ptr<Stage>> cut(const GptConfig& config, std::uint32_t count,
                                        const OptimizerSettings& settings,
                                        std::span<const float> parameters) {
    std::vector<std::unique_ptr<Stage>> stages;
    for (const auto& range : cut_into_stages(config, count).value()) {
        const auto slice = stage_slice(config, range);
        stages.push_back(
            make_nano_stage(config, range, settings, parameters.subspan(slice.offset, slice.size))
                .value());
    }
    return stages;
}

// One step through all stages, micro-batch by micro-batch. Returns the loss.
double step(std::vector<std::unique_ptr<Stage>>& stages, const GptConfig& config,
            std::uint32_t rows, std::uint32_t at_once, ByteSpan tokens, float learning_rate) {
    for (auto& stage : stages) EXPECT_TRUE(stage->begin_step(rows).ok());
    double sum = 0;
    for (std::uint32_t i = 0; i < rows / at_once; ++i) {
        const std::size_t bytes = at_once * (config.context + 1);
        const Batch batch{at_once, tokens.subspan(i * bytes, bytes)};
        std::vector<float> in, out;
        for (auto& stage : stages) {
            const bool last = stage == stages.back();
            out.resize(last ? 0 : std::size_t{at_once} * config.context * config.width);
            sum += stage->forward(i, batch, in, out).value();
            in = out;
        }
        std::vector<float> gradient;
        for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
            const bool first = *stage == stages.front();
            out.resize(first ? 0 : std::size_t{at_once} * config.context * config.width);
            EXPECT_TRUE((*stage)->backward(i, gradient, out).ok());
            gradient = out;
        }
    }
    double squares = 0;
    for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage)
        squares = (*stage)->square_sum(squares);
    for (auto& stage : stages) EXPECT_TRUE(stage->step(squares, learning_rate).ok());
    return sum / (static_cast<double>(rows) * config.context);
}

std::vector<float> joined(const std::vector<std::unique_ptr<Stage>>& stages) {
    std::vector<float> all;
    for (const auto& stage : stages) {
        std::vector<float> part(stage->parameter_count());
        EXPECT_TRUE(stage->get_parameters(part).ok());
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

TEST(Stage, steps_of_all_stages_equal_the_whole_models_bit_for_bit) {
    const GptConfig config{4, 16, 2, 256};
    const std::uint32_t rows = 16, at_once = nano::kSliceTokens / 256;
    const auto parameters = random_parameters(config);
    const Bytes tokens = random_tokens(rows * 257);
    for (const auto optimizer : {Optimizer::adamw, Optimizer::muon})
        for (const std::uint32_t count : {1u, 3u, 4u}) {
            const OptimizerSettings settings{.optimizer = optimizer, .clip_norm = 0.5f};
            auto whole = make_nano_backend()->create(config, settings, parameters).value();
            auto stages = cut(config, count, settings, parameters);
            for (int i = 0; i < 2; ++i) {
                const float loss = whole->train_step({rows, tokens}, 1e-2f).value();
                const double staged = step(stages, config, rows, at_once, tokens, 1e-2f);
                EXPECT_EQ(static_cast<float>(staged), loss);
            }
            std::vector<float> wanted(parameters.size());
            ASSERT_TRUE(whole->get_parameters(wanted).ok());
            EXPECT_EQ(joined(stages), wanted) << count;
            EXPECT_NE(wanted, parameters);
        }
}

TEST(Stage, any_cut_gives_the_same_bits_with_small_micro_batches) {
    const GptConfig config{3, 16, 2, 8};
    const auto parameters = random_parameters(config);
    const Bytes tokens = random_tokens(8 * 9);
    auto one = cut(config, 1, {}, parameters), three = cut(config, 3, {}, parameters);
    EXPECT_EQ(step(one, config, 8, 2, tokens, 1e-2f), step(three, config, 8, 2, tokens, 1e-2f));
    EXPECT_EQ(joined(one), joined(three));
}

TEST(Stage, slices_cover_the_whole_list_and_layouts_agree_with_it) {
    const GptConfig config{7, 16, 2, 8};
    const auto whole = parameter_layout(config);
    for (std::uint32_t count = 1; count <= config.layers; ++count) {
        std::size_t end = 0, tensors = 0;
        std::uint32_t layers = 0;
        for (const auto& range : cut_into_stages(config, count).value()) {
            const auto slice = stage_slice(config, range);
            EXPECT_EQ(slice.offset, end);
            for (auto parameter : stage_layout(config, range)) {
                parameter.offset += slice.offset;
                EXPECT_EQ(parameter, whole[tensors++]);
            }
            end += slice.size;
            layers += range.layers;
        }
        EXPECT_EQ(end, config.parameter_count());
        EXPECT_EQ(layers, config.layers);
    }
    EXPECT_FALSE(cut_into_stages(config, 0).ok());
    EXPECT_FALSE(cut_into_stages(config, 8).ok());
}

TEST(Stage, refuses_calls_out_of_order_and_wrong_sizes) {
    const GptConfig config{2, 16, 2, 8};
    auto stages = cut(config, 2, {}, random_parameters(config));
    auto& first = *stages[0];
    const Bytes tokens = random_tokens(2 * 9);
    const Batch batch{2, tokens};
    std::vector<float> out(2 * 8 * 16), none;
    ASSERT_TRUE(first.begin_step(2).ok());
    EXPECT_FALSE(first.backward(0, out, none).ok());
    EXPECT_FALSE(first.forward(0, {1, tokens}, none, out).ok());
    EXPECT_FALSE(first.forward(0, batch, none, none).ok());
    EXPECT_FALSE(first.forward(0, batch, out, out).ok());
    ASSERT_TRUE(first.forward(0, batch, none, out).ok());
    EXPECT_FALSE(first.forward(0, batch, none, out).ok());
    EXPECT_FALSE(first.step(1, 0.1f).ok());
    EXPECT_FALSE(first.backward(0, none, none).ok());
    ASSERT_TRUE(first.backward(0, out, none).ok());
    EXPECT_EQ(first.step(std::nan(""), 0.1f).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(first.step(first.square_sum(0), 0.1f).ok());
    EXPECT_FALSE(first.begin_step(0).ok());
    EXPECT_FALSE(make_nano_stage(config, {1, 2}, {}, out).ok());
    EXPECT_FALSE(make_nano_stage(config, {0, 1}, {}, out).ok());
}

}  // namespace
}  // namespace mutirao::model
