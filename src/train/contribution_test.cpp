#include "train/contribution.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "base/random.hpp"
#include "model/nano_backend.hpp"
#include "train/originality.hpp"
#include "train/sampler.hpp"
#include "train/test_texts.hpp"

namespace mutirao::train {
namespace {

constexpr std::uint32_t kContext = 32, kRows = 16, kHeldOutRows = 16;
constexpr model::GptConfig kConfig{1, 32, 2, kContext};

// Every second line's letters are changed for random ones.
std::string half_noise(std::size_t size, std::uint64_t seed) {
    auto text = portuguese(size, seed);
    SeededRandom random(seed + 1000);
    bool spoil = false;
    for (auto& character : text) {
        if (character == '\n') spoil = !spoil;
        if (spoil) character = static_cast<char>(random.below(256));
    }
    return text;
}

struct Outcome {
    float loss = 0;  // on the judge's text, after training
    std::vector<std::int64_t> credits;
};

// Trains on all owners' texts but those of `left_out`, whose rows are missing from every batch.
Outcome train(const std::vector<std::string>& texts, const std::string& judge,
              std::uint32_t left_out, std::uint64_t steps, std::uint32_t every,
              model::Optimizer optimizer) {
    std::vector<Corpus> owners;
    for (const auto& text : texts) owners.push_back({as_bytes(text), 1});
    auto sampler = Sampler::make(owners, kContext, 5).value();
    const auto judging = Sampler::make({{as_bytes(judge)}}, kContext, 5).value();
    const auto held_out = judging.held_out(kHeldOutRows);
    const std::vector<std::uint32_t> nobody(kHeldOutRows, kNobody);
    auto model =
        model::make_nano_backend()
            ->create(kConfig, {.optimizer = optimizer}, model::initial_parameters(kConfig, 3))
            .value();
    const Gradient gradient = [&](std::uint32_t rows, ByteSpan examples, std::span<float> out) {
        return model->gradient({rows, examples}, out);
    };
    ContributionMeter meter(static_cast<std::uint32_t>(texts.size()), model->parameter_count(),
                            every);
    for (std::uint64_t step = 0; step < steps; ++step) {
        auto batch = sampler.training_batch(0, step, kRows);
        auto row_owners = sampler.training_owners(0, step, kRows);
        for (std::size_t row = kRows; row-- > 0;) {
            if (row_owners[row] != left_out) continue;
            const auto at = static_cast<std::ptrdiff_t>(row * (kContext + 1));
            batch.erase(batch.begin() + at, batch.begin() + at + kContext + 1);
            row_owners.erase(row_owners.begin() + static_cast<std::ptrdiff_t>(row));
        }
        const float rate = 3e-3f;
        if (meter.measures(step)) {
            EXPECT_TRUE(
                meter.measure(gradient, {batch, row_owners}, {held_out, nobody}, rate).ok());
        }
        const auto rows = static_cast<std::uint32_t>(row_owners.size());
        if (rows > 0) {
            EXPECT_TRUE(model->train_step({rows, batch}, rate).ok());
        }
    }
    const auto judged = judging.held_out(120);
    return {
        model->loss({static_cast<std::uint32_t>(judged.size() / (kContext + 1)), judged}).value(),
        meter.take()};
}

double rank_correlation(std::vector<double> a, std::vector<double> b) {
    auto ranks = [](const std::vector<double>& values) {
        std::vector<double> out;
        for (const auto value : values)
            out.push_back(static_cast<double>(
                std::count_if(values.begin(), values.end(), [&](auto x) { return x < value; })));
        return out;
    };
    a = ranks(a);
    b = ranks(b);
    const auto n = static_cast<double>(a.size());
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return 1 - 6 * sum / (n * (n * n - 1));
}

// Goal: the cheap credit ranks owners as the honest experiment does, which trains again without
// each of them and looks how much worse the model got.
TEST(Contribution, ranks_owners_as_leaving_each_out_does) {
    const std::vector<std::string> texts{portuguese(30000, 1), half_noise(30000, 2),
                                         portuguese(6000, 3), random_bytes(30000, 4),
                                         std::string(30000, 'a')};
    const auto judge = portuguese(30000, 9);
    for (const auto optimizer : {model::Optimizer::adamw, model::Optimizer::muon}) {
        const auto whole = train(texts, judge, kNobody, 80, 4, optimizer);
        std::vector<double> credits, losses;
        for (std::uint32_t i = 0; i < texts.size(); ++i) {
            const auto without = train(texts, judge, i, 80, 1000, optimizer);
            losses.push_back(static_cast<double>(without.loss - whole.loss));
            credits.push_back(static_cast<double>(whole.credits[i]));
        }
        const double rank = rank_correlation(credits, losses);
        RecordProperty("rank_correlation", std::to_string(rank));
        EXPECT_GE(rank, 0.9);
        const auto weights = payment_weights(whole.credits).value();
        EXPECT_EQ(std::accumulate(weights.begin(), weights.end(), 0u), kMillion);
        EXPECT_LT(weights[3], kMillion / 50);  // noise
    }
}

// A whole run's payment from the run's own held-out blocks, with originality taken into account.
std::vector<std::uint32_t> paid(const std::vector<std::string>& texts) {
    std::vector<Corpus> owners;
    std::uint64_t total = 0;
    for (const auto& text : texts) {
        owners.push_back({as_bytes(text)});
        total += text.size();
    }
    std::vector<Fingerprint> fingerprints;
    for (const auto& text : texts)
        fingerprints.emplace_back(sampling_shift(total)).add(as_bytes(text));
    auto sampler = Sampler::make(owners, kContext, 8).value();
    const auto held_out = sampler.held_out(kHeldOutRows);
    const auto held_out_owners = sampler.held_out_owners(kHeldOutRows);
    auto model = model::make_nano_backend()
                     ->create(kConfig, {}, model::initial_parameters(kConfig, 3))
                     .value();
    const Gradient gradient = [&](std::uint32_t rows, ByteSpan examples, std::span<float> out) {
        return model->gradient({rows, examples}, out);
    };
    ContributionMeter meter(static_cast<std::uint32_t>(texts.size()), model->parameter_count(), 2);
    for (std::uint64_t step = 0; step < 80; ++step) {
        const auto batch = sampler.training_batch(0, step, kRows);
        const auto row_owners = sampler.training_owners(0, step, kRows);
        if (meter.measures(step)) {
            EXPECT_TRUE(
                meter.measure(gradient, {batch, row_owners}, {held_out, held_out_owners}, 3e-3f)
                    .ok());
        }
        EXPECT_TRUE(model->train_step({kRows, batch}, 3e-3f).ok());
    }
    return payment_weights(meter.take(), originality(fingerprints)).value();
}

// Three random letters after each word: stretches of it are nobody else's.
std::string original(std::size_t size, std::uint64_t seed) {
    SeededRandom random(seed + 2000);
    std::string text;
    for (const char character : portuguese(size, seed)) {
        text += character;
        for (int i = 0; character == ' ' && i < 3; ++i)
            text += static_cast<char>('a' + random.below(26));
        if (character == ' ') text += ' ';
    }
    text.resize(size);
    return text;
}

TEST(Contribution, a_text_under_two_names_earns_what_it_earns_under_one) {
    const auto first = original(30000, 1), second = original(30000, 2);
    const auto once = paid({first, second});
    const auto twice = paid({first, second, first});
    const double share = once[0] / 1e6, doubled = (twice[0] + twice[2]) / 1e6;
    RecordProperty("share_once", std::to_string(share));
    RecordProperty("share_twice", std::to_string(doubled));
    EXPECT_NEAR(doubled, share, 0.05);
    EXPECT_NEAR(twice[0], twice[2], 70000);
}

TEST(Contribution, noise_earns_next_to_nothing_although_a_part_of_the_held_out_text_is_noise) {
    const auto weights = paid({portuguese(30000, 1), portuguese(30000, 2), random_bytes(30000, 3)});
    RecordProperty("noise_ppm", std::to_string(weights[2]));
    EXPECT_LT(weights[2], kMillion / 50);
    EXPECT_NEAR(weights[0], weights[1], 150000);
}

TEST(Contribution, refuses_examples_that_do_not_fit) {
    const Gradient gradient = [](std::uint32_t, ByteSpan, std::span<float> out) -> Result<float> {
        std::fill(out.begin(), out.end(), 1.0f);
        return 1.0f;
    };
    ContributionMeter meter(2, 3, 1);
    const Bytes bytes(12);
    const std::vector<std::uint32_t> two{0, 1}, five(5, 0), outside{0, 2};
    const auto kind = [&](const OwnedExamples& batch, const OwnedExamples& held_out) {
        return meter.measure(gradient, batch, held_out, 1).error().kind;
    };
    EXPECT_EQ(kind({bytes, five}, {bytes, two}), ErrorKind::invalid_argument);
    EXPECT_EQ(kind({bytes, two}, {bytes, {}}), ErrorKind::invalid_argument);
    EXPECT_EQ(kind({bytes, two}, {ByteSpan(bytes).first(10), two}), ErrorKind::invalid_argument);
    EXPECT_EQ(kind({bytes, outside}, {bytes, two}), ErrorKind::invalid_argument);
    const Gradient diverged = [](std::uint32_t, ByteSpan, std::span<float> out) -> Result<float> {
        std::fill(out.begin(), out.end(), std::nanf(""));
        return 1.0f;
    };
    EXPECT_EQ(meter.measure(diverged, {bytes, two}, {bytes, two}, 1).error().kind,
              ErrorKind::corrupt);
}

TEST(Contribution, a_report_that_claims_too_much_counts_as_much_as_the_median) {
    const std::vector<std::vector<std::int64_t>> honest{{10, 30, -10}, {20, 30, 0}};
    EXPECT_EQ(merge_credits(honest), (std::vector<std::int64_t>{30, 60, -10}));
    auto claims = honest;
    claims.push_back({5'000'000'000'000'000'000, 0, 0});
    EXPECT_EQ(merge_credits(claims), (std::vector<std::int64_t>{80, 60, -10}));
    // Sums that leave 64 bits stop at their end.
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const std::vector<std::vector<std::int64_t>> huge{{most, -most}, {most, -most}};
    EXPECT_EQ(merge_credits(huge)[0], most);
}

TEST(Contribution, weights_sum_to_a_million_and_harm_is_not_paid) {
    using Weights = std::vector<std::uint32_t>;
    const auto of = [](std::vector<std::int64_t> credits, Weights originality = {}) {
        return payment_weights(credits, originality);
    };
    EXPECT_EQ(of({1, 1, 1}).value(), (Weights{333334, 333333, 333333}));
    EXPECT_EQ(of({-5, 4, 1}).value(), (Weights{0, 800000, 200000}));
    EXPECT_EQ(of({2, 1}, {500000, 1000000}).value(), (Weights{500000, 500000}));
    EXPECT_EQ(of({std::numeric_limits<std::int64_t>::max(), 1}).value(), (Weights{1000000, 0}));
    EXPECT_EQ(of({-1, 0}).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(of({1}, {1, 1}).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::train
