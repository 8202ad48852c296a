// Stages with what else a run may have: secure sums, privacy, adapters.
#include <cmath>
#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "model/checkpoint.hpp"
#include "node/test_pipelines.hpp"
#include "node/test_plain_words.hpp"
#include "train/codec_frame.hpp"
#include "train/privacy.hpp"

namespace mutirao::node {
namespace {

train::RunSettings masked(train::RunSettings settings) {
    settings.codec.kind = train::CodecKind::fixed32;
    settings.secure_sum = true;
    return settings;
}

// What counts is the sum of a stage's payloads; it outlives a trainer, whose place another one has.
TEST(StageOptions, each_stage_has_secure_sums_of_its_own) {
    auto settings = masked(staged_settings(2));
    settings.rounds = 8;
    PlainWords seen;
    Pipelines all(6, settings);
    seen.watch(all.network());
    all.start_all_and_lose({5}, {.worker = 0, .round = 2});
    ASSERT_TRUE(all.finish({0, 1, 2, 3, 4}));
    seen.expect_random();
    const auto& rounds = all.job(0).progress().rounds;
    EXPECT_LT(rounds.back().held_out_loss, rounds.front().held_out_loss - 0.2);
}

// In the round of its loss two of three send values; the spare, who has its place from the next one
// on, opens masks like the others.
TEST(StageOptions, a_secure_sum_goes_on_when_one_is_lost_whose_place_a_spare_will_take) {
    Pipelines all(7, masked(long_settings(2, 12)));
    all.start_all_and_lose({2}, {.worker = 0, .round = 2});
    EXPECT_TRUE(all.finish({0, 1, 3, 4, 5, 6}));
}

// All stages of a worker together send no more than the clip, and in the first rounds as much.
TEST(StageOptions, a_pipelines_pseudo_gradient_is_clipped_as_one) {
    auto settings = staged_settings(0);
    settings.codec.kind = train::CodecKind::bf16;
    settings.privacy = {.clip = 0.25f, .noise = 0, .delta = 1e-5f};
    settings.error_decay = 0;
    Pipelines all(4, settings);
    all.start_all();
    ASSERT_TRUE(all.finish({0, 1, 2, 3}));
    const auto codec = [&](std::size_t size) { return train::piece_codec(settings, size, {}); };
    for (std::uint32_t pipeline = 0; pipeline < 2; ++pipeline) {
        double whole = 0;
        for (std::uint32_t stage = 0; stage < 2; ++stage) {
            const auto payload = all.payload(2 * pipeline + stage, settings.rounds - 1);
            std::vector<float> delta((payload.delta.size() - train::kCodecHeaderSize) / 2);
            ASSERT_TRUE(codec(delta.size()).value()->decode(payload.delta, delta).ok());
            double part = 0;
            for (const double value : delta) part += value * value;
            EXPECT_GT(part, 0) << stage;
            whole += part;
        }
        EXPECT_NEAR(std::sqrt(whole), 0.25, 0.002) << pipeline;
    }
}

TEST(StageOptions, noise_and_secure_sums_go_together_and_cost_what_the_formula_says) {
    auto settings = masked(staged_settings(0));
    settings.privacy = {.clip = 1, .noise = 0.01f, .delta = 1e-5f};
    settings.error_decay = 0;
    Pipelines all(6, settings);
    all.start_all();
    ASSERT_TRUE(all.finish(all.everybody()));
    for (std::uint32_t i = 0; i < 6; ++i)
        EXPECT_EQ(all.job(i).progress().epsilon,
                  train::epsilon_after(settings.privacy, settings.rounds_total()))
            << i;
}

// With activations as they are and each batch in one piece, stages compute what the whole does.
TEST(StageOptions, adapters_live_with_their_layers_and_are_the_whole_models_bit_for_bit) {
    auto settings = staged_settings(0);
    settings.codec.kind = train::CodecKind::bf16;
    settings.micro_batches = 1;
    settings.activations = train::ActivationCodec::float32;
    settings.lora = model::LoraConfig{.rank = 2, .alpha = 4};
    const auto base =
        model::encode_checkpoint({.config = settings.model,
                                  .parameters = model::initial_parameters(settings.model, 3),
                                  .round = 0,
                                  .tokens = 0,
                                  .preparation = {},
                                  .adapter = {}})
            .value();
    settings.base = crypto::blake3(base);
    Pipelines one(2, settings, 0, {text(), base});
    one.start_all();
    ASSERT_TRUE(one.finish({0, 1}));
    const auto staged = model::decode_checkpoint(one.checkpoint({0, 1}));
    ASSERT_TRUE(staged.ok()) << staged.error().message;
    ASSERT_TRUE(staged->adapter.has_value());
    EXPECT_EQ(staged->adapter->base, *settings.base);

    settings.stages = 1;
    Crew whole(1, settings, {text(), base});
    whole.all_start();
    ASSERT_TRUE(whole.finish({0}));
    const auto wanted = model::decode_checkpoint(whole.checkpoint(0)).value();
    EXPECT_EQ(staged->parameters, wanted.parameters);
    EXPECT_EQ(one.job(0).progress().parameters, wanted.parameters.size());
    // The base adapted: they learn.
    const auto& rounds = one.job(0).progress().rounds;
    EXPECT_LT(rounds.back().held_out_loss, rounds.front().held_out_loss);
}

train::RunSettings measured_settings() {
    auto settings = staged_settings(0);
    settings.contributions_every = 2;
    return settings;
}

std::vector<Bytes> two_texts_and_noise() {
    std::string other;
    for (int i = 0; i < 400; ++i) other += "folha " + std::to_string(i) + ": quem colhe planta.\n";
    Bytes noise(text().size());
    SeededRandom(7).fill(noise);
    return {text(), noise, to_bytes(as_bytes(other))};
}

TEST(StageOptions, all_stages_tell_alike_what_each_object_contributed) {
    const auto settings = measured_settings();
    Pipelines all(4, settings, 0, two_texts_and_noise());
    all.start_all();
    ASSERT_TRUE(all.finish(all.everybody()));
    ASSERT_EQ(all.weights(0).size(), settings.rounds);
    for (std::uint32_t i = 1; i < 4; ++i) EXPECT_EQ(all.weights(i), all.weights(0)) << i;
    std::vector<std::uint64_t> sums(3, 0);
    for (const auto& round : all.weights(0)) {
        ASSERT_EQ(round.size(), 3u);
        EXPECT_EQ(round[0] + round[1] + round[2], train::kMillion);
        for (std::size_t i = 0; i < 3; ++i) sums[i] += round[i];
    }
    const auto whole = settings.rounds * std::uint64_t{train::kMillion};
    EXPECT_LT(sums[1], whole / 20);
    EXPECT_GT(sums[0], whole / 5);
    EXPECT_GT(sums[2], whole / 5);
}

TEST(StageOptions, what_a_pipeline_measures_is_what_the_whole_model_does) {
    auto settings = measured_settings();
    settings.codec.kind = train::CodecKind::bf16;
    settings.micro_batches = 1;
    settings.activations = train::ActivationCodec::float32;
    Pipelines one(2, settings, 0, two_texts_and_noise());
    one.start_all();
    ASSERT_TRUE(one.finish({0, 1}));
    settings.stages = 1;
    Crew whole(1, settings, two_texts_and_noise());
    whole.all_start();
    ASSERT_TRUE(whole.finish({0}));
    ASSERT_EQ(one.weights(1).size(), whole.weights(0).size());
    for (std::size_t round = 0; round < settings.rounds; ++round)
        for (std::size_t i = 0; i < 3; ++i)
            EXPECT_NEAR(one.weights(1)[round][i], whole.weights(0)[round][i], 1000)
                << round << " " << i;
}

}  // namespace
}  // namespace mutirao::node
