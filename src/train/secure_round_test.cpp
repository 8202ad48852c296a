// Rounds whose payloads are masked or noised.
#include <cmath>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "train/fixed_point.hpp"
#include "train/round.hpp"
#include "train/secure_sum.hpp"

namespace mutirao::train {
namespace {

constexpr std::size_t kValues = 50;
constexpr std::uint32_t kWorkers = 4;

RunSettings plan() {
    auto settings = preset("mutirao").value();
    settings.rounds = 3;
    settings.local_steps = 10;
    settings.codec = {.kind = CodecKind::fixed32};
    settings.secure_sum = true;
    settings.quorum = 3;
    return settings;
}

std::vector<TrainingRun> make_runs(const RunSettings& settings) {
    std::vector<TrainingRun> runs;
    for (std::uint32_t i = 0; i < kWorkers; ++i)
        runs.push_back(
            TrainingRun::make(settings, {{}, i, kWorkers}, std::vector<float>(kValues, 1)).value());
    return runs;
}

// Local steps that went somewhere else at each worker.
std::vector<float> local(const TrainingRun& run, Random& random) {
    std::vector<float> out(run.start_parameters().begin(), run.start_parameters().end());
    for (auto& value : out) value += (static_cast<float>(random.below(2001)) - 1000.0f) / 1e4f;
    return out;
}

// One masked round; `lost` sends no masked payload. Returns the payloads as they travelled.
std::vector<Payload> masked_round(std::vector<TrainingRun>& runs, const RunSettings& settings,
                                  std::optional<std::uint32_t> lost, Random& random,
                                  std::vector<std::uint32_t>& plain_sum) {
    const SumSettings sum_settings{kWorkers, settings.needed(kWorkers), kValues};
    std::vector<SecureSum> sums;
    SumTranscript said;
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
        sums.push_back(SecureSum::make({{}, runs[0].round(), i}, sum_settings, random).value());
        said.keys.push_back(sums[i].keys());
    }
    for (auto& sum : sums) said.shares.push_back(sum.share(said.keys, random).value());
    std::vector<Payload> payloads;
    std::vector<std::uint32_t> came;
    plain_sum.assign(kValues, 0);
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
        auto payload =
            decode_payload(runs[i].finish_round(local(runs[i], random), 1, 0).value()).value();
        const auto words = fixed_words(payload.delta, kValues).value();
        if (i == lost) continue;
        for (std::size_t k = 0; k < kValues; ++k) plain_sum[k] += words[k];
        EXPECT_TRUE(sums[i].gather(said.shares).ok());
        said.values.push_back(sums[i].mask(words).value());
        payload.delta = fixed_delta(said.values.back().values);
        EXPECT_NE(fixed_words(payload.delta, kValues).value(), words);
        payloads.push_back(runs[0].check_payload(encode_payload(payload)).value());
        came.push_back(i);
    }
    for (const auto i : came) said.reveals.push_back(sums[i].reveal(came).value());
    const auto sum = unmasked_sum(sum_settings, said).value();
    EXPECT_EQ(sum, plain_sum);
    for (auto& run : runs) EXPECT_TRUE(run.apply_sum(payloads, sum).ok());
    return payloads;
}

TEST(SecureRound, all_workers_take_the_plain_means_step_and_one_may_leave) {
    const auto settings = plan();
    auto runs = make_runs(settings);
    SeededRandom random(3);
    std::vector<std::uint32_t> plain;
    OuterOptimizer outer(kValues, settings.outer);
    std::vector<float> shared(kValues, 1), mean(kValues);
    for (std::uint32_t round = 0; round < settings.rounds; ++round) {
        const bool loses = round == 1;
        masked_round(runs, settings, loses ? std::optional(2u) : std::nullopt, random, plain);
        fixed_mean(plain, loses ? kWorkers - 1 : kWorkers, mean);
        outer.step(shared, mean);
        for (const auto& run : runs) {
            EXPECT_EQ(run.shared_hash(), state_hash(shared)) << round;
        }
    }
    EXPECT_TRUE(runs[0].finished());
}

TEST(SecureRound, refuses_masked_payloads_as_plain_ones_and_sums_of_another_size) {
    const auto settings = plan();
    auto runs = make_runs(settings);
    SeededRandom random(3);
    std::vector<Payload> payloads;
    for (auto& run : runs)
        payloads.push_back(
            decode_payload(run.finish_round(local(run, random), 1, 0).value()).value());
    EXPECT_EQ(runs[0].apply(payloads).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(runs[0].apply_sum(payloads, std::vector<std::uint32_t>(kValues - 1)).error().kind,
              ErrorKind::invalid_argument);
    payloads.resize(2);
    EXPECT_EQ(runs[0].apply_sum(payloads, std::vector<std::uint32_t>(kValues)).error().kind,
              ErrorKind::unavailable);
    EXPECT_FALSE(TrainingRun::make(settings, {{}, 0, 256}, std::vector<float>(kValues)).ok());
}

TEST(SecureRound, fixed_point_adds_up_exactly_and_cuts_what_is_too_large) {
    const auto codec = make_codec({.kind = CodecKind::fixed32}, 4).value();
    const std::vector<float> values{0.5f, -0.25f, 100, -100};
    std::vector<float> out(4);
    const auto bytes = codec->encode(values).value();
    ASSERT_TRUE(codec->decode(bytes, out).ok());
    EXPECT_EQ(out, (std::vector<float>{0.5f, -0.25f, kFixedMax, -kFixedMax}));
    // The sum of as many as a run may have does not overflow.
    auto sum = fixed_words(bytes, 4).value();
    for (auto& word : sum) word *= kWorkersMax;
    fixed_mean(sum, kWorkersMax, out);
    EXPECT_EQ(out, (std::vector<float>{0.5f, -0.25f, kFixedMax, -kFixedMax}));
    std::vector<std::uint32_t> masked{0x80000000u, 0, 0, 0};
    EXPECT_EQ(codec->decode(fixed_delta(masked), out).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(fixed_words(fixed_delta(masked), 4).value(), masked);
    EXPECT_FALSE(fixed_words(fixed_delta(masked), 5).ok());
}

TEST(PrivateRound, what_is_sent_is_clipped_and_noised_and_epsilon_is_reported) {
    auto settings = plan();
    settings.secure_sum = false;
    settings.codec = {.kind = CodecKind::bf16};
    settings.error_decay = 0;
    settings.privacy = {.clip = 0.1f, .noise = 0};
    SeededRandom random(3);
    const auto sent = [&](const RunSettings& of) {
        auto runs = make_runs(of);
        auto& run = runs[0];
        const std::vector<float> far(kValues, 3);
        EXPECT_EQ(run.finish_round(far, 1, 0).error().kind, ErrorKind::invalid_argument);
        EXPECT_EQ(run.epsilon(), 0);
        const auto payload =
            decode_payload(run.finish_round(far, 1, 0, {.noise = &random}).value()).value();
        std::vector<float> out(kValues);
        EXPECT_TRUE(make_codec(of.codec, kValues).value()->decode(payload.delta, out).ok());
        EXPECT_EQ(run.epsilon(), epsilon_after(of.privacy, 1));
        double sum = 0;
        for (const float value : out) sum += static_cast<double>(value) * value;
        return std::sqrt(sum);
    };
    EXPECT_NEAR(sent(settings), 0.1, 0.001);
    settings.privacy.noise = 2;
    // Of 50 values with a deviation of 0.2 each, beside which the clipped 0.1 is little.
    EXPECT_NEAR(sent(settings), 0.2 * std::sqrt(50.0), 0.5);
    EXPECT_NEAR(epsilon_after(settings.privacy, 1), 2.14, 0.2);
    // A sum of at least three workers' values needs a third of the noise's variance of each.
    settings.secure_sum = true;
    settings.codec = {.kind = CodecKind::fixed32};
    EXPECT_NEAR(sent(settings), 0.2 / std::sqrt(3.0) * std::sqrt(50.0), 0.35);
}

}  // namespace
}  // namespace mutirao::train
