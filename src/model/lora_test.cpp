#include "model/lora.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "model/nano_backend.hpp"
#include "model/start.hpp"

namespace mutirao::model {
namespace {

constexpr GptConfig kConfig{2, 16, 2, 8};
constexpr LoraConfig kLora{.rank = 3, .alpha = 6};

Bytes text(std::size_t size, std::string_view words) {
    Bytes out;
    while (out.size() < size)
        out.push_back(static_cast<std::uint8_t>(words[out.size() % words.size()]));
    return out;
}

std::vector<float> random_adapters() {
    auto adapters = initial_adapters(kConfig, kLora, 2);
    SeededRandom random(3);
    fill_uniform(adapters, 0.2f, random);
    return adapters;
}

TEST(Lora, layout_is_that_of_peft_and_adds_up) {
    const auto layout = lora_layout(kConfig, kLora);
    EXPECT_EQ(layout.size(), 2u * 2 * 7);
    EXPECT_EQ(layout[0].name, "model.layers.0.self_attn.q_proj.lora_A.weight");
    EXPECT_EQ(layout[0].shape, (std::vector<std::uint32_t>{3, 16}));
    EXPECT_EQ(layout[13].name, "model.layers.0.mlp.down_proj.lora_B.weight");
    EXPECT_EQ(layout[13].shape, (std::vector<std::uint32_t>{16, 3}));
    EXPECT_EQ(layout.back().offset + layout.back().size,
              initial_adapters(kConfig, kLora, 1).size());
}

TEST(Lora, begins_as_the_base) {
    const auto base = initial_parameters(kConfig, 1);
    EXPECT_EQ(merge_adapters(kConfig, kLora, base, initial_adapters(kConfig, kLora, 2)), base);
}

TEST(Lora, merged_maps_are_base_plus_scaled_products) {
    const auto base = initial_parameters(kConfig, 1);
    const auto adapters = random_adapters();
    const auto merged = merge_adapters(kConfig, kLora, base, adapters);
    const auto layout = parameter_layout(kConfig);
    const auto factors = lora_layout(kConfig, kLora);
    const auto& down = layout[9];  // of layer 0; its factors are 12 and 13
    for (std::size_t row : {0u, 15u})
        for (std::size_t column : {0u, 63u}) {
            double sum = 0;
            for (std::size_t k = 0; k < kLora.rank; ++k)
                sum +=
                    static_cast<double>(adapters[factors[13].offset + row * kLora.rank + k]) *
                    static_cast<double>(adapters[factors[12].offset + k * down.shape[1] + column]);
            const auto at = down.offset + row * down.shape[1] + column;
            EXPECT_NEAR(merged[at], static_cast<double>(base[at]) + 2 * sum, 1e-6);
        }
    EXPECT_EQ(merged[0], base[0]);  // the embedding stays
}

TEST(Lora, has_the_gradients_of_finite_differences) {
    auto base = initial_parameters(kConfig, 1);
    for (auto& value : base) value *= 3;
    auto adapters = random_adapters();
    auto model = make_nano_backend()->create(kConfig, {}, base).value();
    auto adapted = adapt(std::move(model), kLora, {}, adapters).value();
    const Bytes tokens = text(3 * 9, "mutirao da vila");
    std::vector<float> gradient(adapters.size());
    ASSERT_TRUE(adapted->gradient({3, tokens}, gradient).ok());
    SeededRandom random(7);
    for (int trial = 0; trial < 6; ++trial) {
        auto ahead = adapters, behind = adapters;
        double slope = 0;
        for (std::size_t i = 0; i < adapters.size(); ++i) {
            const float step = random.next_u64() % 2 ? 2e-4f : -2e-4f;
            ahead[i] += step;
            behind[i] -= step;
            slope += 2 * static_cast<double>(step) * static_cast<double>(gradient[i]);
        }
        ASSERT_TRUE(adapted->set_parameters(ahead).ok());
        const double up = static_cast<double>(adapted->loss({3, tokens}).value());
        ASSERT_TRUE(adapted->set_parameters(behind).ok());
        const double down = static_cast<double>(adapted->loss({3, tokens}).value());
        EXPECT_NEAR(slope, up - down, 0.01 * std::abs(up - down) + 2e-5);
    }
}

TEST(Lora, learns_another_text_while_the_base_stays) {
    const Bytes tokens = text(8 * 9, "a enfermeira cuida. ");
    auto backend = make_nano_backend();
    Checkpoint base{kConfig, initial_parameters(kConfig, 1)};
    {
        auto model = backend->create(kConfig, {}, base.parameters).value();
        const Bytes first = text(8 * 9, "o agricultor planta o milho. ");
        for (int i = 0; i < 60; ++i) ASSERT_TRUE(model->train_step({8, first}, 1e-2f).ok());
        ASSERT_TRUE(model->get_parameters(base.parameters).ok());
    }
    auto start = start_training(*backend, {.config = kConfig, .lora = kLora}, &base).value();
    EXPECT_LT(start.parameters.size() * 3, base.parameters.size());
    const float before = start.model->loss({8, tokens}).value();
    for (int i = 0; i < 80; ++i) ASSERT_TRUE(start.model->train_step({8, tokens}, 1e-2f).ok());
    const float after = start.model->loss({8, tokens}).value();
    EXPECT_LT(after, 0.5f * before);
    ASSERT_TRUE(start.model->get_parameters(start.parameters).ok());
    const auto merged = merge_adapters(kConfig, kLora, base.parameters, start.parameters);
    auto whole = backend->create(kConfig, {}, merged).value();
    EXPECT_NEAR(whole->loss({8, tokens}).value(), after, 1e-5);
}

TEST(StartTraining, refuses_what_does_not_fit) {
    auto backend = make_nano_backend();
    Checkpoint base{kConfig, initial_parameters(kConfig, 1)};
    const auto kind = [&](const StartSettings& settings, const Checkpoint* from) {
        return start_training(*backend, settings, from).error().kind;
    };
    EXPECT_EQ(kind({.config = kConfig, .lora = kLora}, nullptr), ErrorKind::invalid_argument);
    EXPECT_EQ(kind({.config = GptConfig{1, 16, 2, 8}}, &base), ErrorKind::invalid_argument);
    EXPECT_EQ(kind({.config = kConfig, .lora = LoraConfig{.rank = 0}}, &base),
              ErrorKind::invalid_argument);
    const Checkpoint table{TabularConfig{}, initial_parameters(TabularConfig{}, 1)};
    EXPECT_EQ(kind({.config = TabularConfig{}, .lora = kLora}, &table), ErrorKind::unimplemented);
    base.adapter.emplace();
    EXPECT_EQ(kind({.config = kConfig}, &base), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::model
