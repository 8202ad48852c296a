#include "train/sampler.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <set>

namespace mutirao::train {
namespace {

// Every four bytes hold their own position, so a window tells where it came from.
Bytes numbered(std::size_t size, std::uint8_t owner = 0) {
    Bytes text(size);
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<std::uint8_t>(i % 4 == 3 ? owner : i / 4 >> (8 * (i % 4)));
    return text;
}

// Position of a window (of at least 8 bytes) in numbered text, or npos: read its first whole number
// at each of the four alignments.
std::size_t position(ByteSpan text, ByteSpan window) {
    for (std::size_t skip = 0; skip < 4; ++skip) {
        const std::size_t number =
            window[skip] | window[skip + 1] << 8 | static_cast<std::size_t>(window[skip + 2]) << 16;
        const std::size_t at = 4 * number - skip;
        if (at <= text.size() - window.size() &&
            std::equal(window.begin(), window.end(), text.subspan(at).begin()))
            return at;
    }
    return std::string::npos;
}

constexpr std::uint32_t kContext = 31;
constexpr std::size_t kWindow = kContext + 1;

TEST(Sampler, never_trains_on_a_held_out_byte_and_reaches_all_others) {
    const auto text = numbered(3 * 40960 + 20000);
    auto sampler = Sampler::make({{text}}, kContext, 1).value();
    std::vector<bool> trained(text.size(), false);
    for (std::uint64_t step = 0; step < 400; ++step) {
        const auto batch = sampler.training_batch(0, step, 64);
        ASSERT_EQ(batch.size(), 64 * kWindow);
        for (std::size_t row = 0; row < 64; ++row) {
            const auto at = position(text, ByteSpan(batch).subspan(row * kWindow, kWindow));
            ASSERT_NE(at, std::string::npos);
            std::fill_n(trained.begin() + static_cast<std::ptrdiff_t>(at), kWindow, true);
        }
    }
    std::size_t reached = 0, trainable = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool held_out = i / kHeldOutBlock % 10 == 9;
        ASSERT_FALSE(held_out && trained[i]) << i;
        trainable += !held_out;
        reached += trained[i];
    }
    EXPECT_GT(reached, trainable * 99 / 100);
}

TEST(Sampler, first_and_last_trainable_window_can_be_drawn) {
    // The smallest text: ten windows. Only positions 0 to 8 windows are allowed.
    const auto text = numbered(10 * kWindow);
    auto sampler = Sampler::make({{text}}, kContext, 5).value();
    std::set<std::size_t> seen;
    for (std::uint64_t step = 0; step < 100; ++step) {
        const auto batch = sampler.training_batch(0, step, 64);
        for (std::size_t row = 0; row < 64; ++row)
            seen.insert(position(text, ByteSpan(batch).subspan(row * kWindow, kWindow)));
    }
    EXPECT_EQ(*seen.begin(), 0u);
    EXPECT_EQ(*seen.rbegin(), 8 * kWindow);
    EXPECT_EQ(seen.size(), 8 * kWindow + 1);
}

TEST(Sampler, is_a_function_of_seed_worker_and_step) {
    const auto text = numbered(100000);
    auto a = Sampler::make({{text}}, kContext, 1).value();
    auto b = Sampler::make({{text}}, kContext, 1).value();
    (void)b.training_batch(0, 0, 8);
    EXPECT_EQ(a.training_batch(1, 7, 8), b.training_batch(1, 7, 8));
    EXPECT_NE(a.training_batch(1, 7, 8), a.training_batch(0, 7, 8));
    EXPECT_NE(a.training_batch(1, 7, 8), a.training_batch(1, 8, 8));
    auto c = Sampler::make({{text}}, kContext, 2).value();
    EXPECT_NE(a.training_batch(1, 7, 8), c.training_batch(1, 7, 8));
}

TEST(Sampler, counts_bytes_to_their_owners_by_weight_or_by_size) {
    const auto large = numbered(300000, 1), small = numbered(100000, 2);
    auto by_size = Sampler::make({{large}, {small}}, kContext, 1).value();
    auto by_weight = Sampler::make({{large, 1}, {small, 9}}, kContext, 1).value();
    for (std::uint64_t step = 0; step < 100; ++step) {
        (void)by_size.training_batch(0, step, 100);
        (void)by_weight.training_batch(0, step, 100);
    }
    // 10,000 windows of 31 predicted bytes; the deviation is about 45 windows at most.
    EXPECT_EQ(by_size.tokens_used()[0] + by_size.tokens_used()[1], 310000u);
    EXPECT_NEAR(static_cast<double>(by_size.tokens_used()[0]), 0.75 * 310000, 0.02 * 310000);
    EXPECT_NEAR(static_cast<double>(by_weight.tokens_used()[0]), 0.1 * 310000, 0.02 * 310000);
}

TEST(Sampler, held_out_windows_lie_in_held_out_blocks_of_every_owner_without_overlap) {
    const auto first = numbered(3 * 40960, 1), second = numbered(2 * 40960 + 999, 2);
    const auto sampler = Sampler::make({{first}, {second}}, kContext, 1).value();
    const auto all = sampler.held_out(1000000);
    EXPECT_EQ(all.size(), 5 * kHeldOutBlock / kWindow * kWindow);
    const auto some = sampler.held_out(20);
    ASSERT_EQ(some.size(), 20 * kWindow);
    EXPECT_EQ(some, sampler.held_out(20));
    std::set<std::pair<bool, std::size_t>> seen;
    for (std::size_t row = 0; row < 20; ++row) {
        const auto window = ByteSpan(some).subspan(row * kWindow, kWindow);
        const bool from_first = position(first, window) != std::string::npos;
        const auto at = position(from_first ? first : second, window);
        ASSERT_NE(at, std::string::npos);
        EXPECT_EQ(at / kHeldOutBlock % 10, 9u);
        EXPECT_EQ((at + kWindow - 1) / kHeldOutBlock % 10, 9u);
        seen.insert({from_first, at});
    }
    EXPECT_EQ(seen.size(), 20u);
    EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](auto s) { return s.first; }));
    EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](auto s) { return !s.first; }));
}

TEST(Sampler, refuses_texts_that_are_too_short_and_mixed_weights) {
    const auto text = numbered(10 * kWindow);
    auto kind = [](std::vector<Corpus> owners, std::uint32_t context = kContext) {
        const auto sampler = Sampler::make(std::move(owners), context, 1);
        return sampler.ok() ? "made" : sampler.error().message;
    };
    EXPECT_EQ(kind({{text}}), "made");
    EXPECT_NE(kind({{text}, {ByteSpan(text).first(text.size() - 1)}}).find("owner 1"),
              std::string::npos);
    EXPECT_NE(kind({}), "made");
    EXPECT_NE(kind({{{}}}), "made");
    EXPECT_NE(kind({{text, 1}, {text}}), "made");
    EXPECT_NE(kind({{text}}, 0), "made");
    EXPECT_NE(kind({{text}}, kHeldOutBlock), "made");
}

}  // namespace
}  // namespace mutirao::train
