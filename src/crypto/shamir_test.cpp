#include "crypto/shamir.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.hpp"
#include "crypto/aead.hpp"

namespace mutirao::crypto {
namespace {

Key a_key(std::uint64_t seed) { return SeededRandom(seed).fixed<Key>(); }

// Gives the same byte for ever, so that coefficients are known.
class OneByte final : public Random {
  public:
    explicit OneByte(std::uint8_t byte) : byte_(byte) {}
    void fill(MutableByteSpan out) override { std::fill(out.begin(), out.end(), byte_); }

  private:
    const std::uint8_t byte_;
};

// FIPS-197 section 4.2: {57} times {83} is {c1}; 4.2.1: {57} times {13} is {fe}. With the key at 0
// and one coefficient {57}, the share at x is key + {57} x.
TEST(Shamir, multiplies_as_fips_197_does) {
    OneByte random(0x57);
    Key zero;
    const auto shares = split_key(zero, 2, 255, random).value();
    EXPECT_EQ(shares[0x83 - 1].bytes[0], 0xc1);
    EXPECT_EQ(shares[0x13 - 1].bytes[31], 0xfe);
}

TEST(Shamir, every_subset_of_threshold_shares_gives_the_key_back) {
    SeededRandom random(1);
    const auto key = a_key(7);
    for (std::uint32_t count = 1; count <= 7; ++count)
        for (std::uint32_t threshold = 1; threshold <= count; ++threshold) {
            const auto shares = split_key(key, threshold, count, random).value();
            for (std::uint32_t chosen = 0; chosen < 1u << count; ++chosen) {
                std::vector<KeyShare> some;
                for (std::uint32_t i = 0; i < count; ++i)
                    if ((chosen >> i & 1) != 0) some.push_back(shares[i]);
                const auto got = combine_key(some, threshold);
                if (some.size() >= threshold) {
                    EXPECT_EQ(got.value(), key);
                } else {
                    EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
                }
            }
        }
}

TEST(Shamir, works_up_to_255_shares_in_any_order) {
    rc::check("any threshold of any count", [] {
        const auto count = *rc::gen::inRange<std::uint32_t>(1, 256);
        const auto threshold = *rc::gen::inRange<std::uint32_t>(1, count + 1);
        SeededRandom random(*rc::gen::arbitrary<std::uint64_t>());
        const auto key = random.fixed<Key>();
        auto shares = split_key(key, threshold, count, random).value();
        for (auto i = shares.size(); i > 1; --i) std::swap(shares[i - 1], shares[random.below(i)]);
        RC_ASSERT(combine_key(shares, threshold).value() == key);
    });
}

// With one share fewer than the threshold every key is equally likely: for each guess of the key's
// first byte there is exactly one missing share that gives it.
TEST(Shamir, one_share_too_few_says_nothing) {
    SeededRandom random(3);
    const auto shares = split_key(a_key(7), 3, 3, random).value();
    std::array<int, 256> seen{};
    for (int guess = 0; guess < 256; ++guess) {
        auto some = shares;
        some[2].bytes[0] = static_cast<std::uint8_t>(guess);
        ++seen[combine_key(some, 3).value().bytes[0]];
    }
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
}

TEST(Shamir, refuses_impossible_splits) {
    SeededRandom random(1);
    for (const auto& [threshold, count] : {std::pair{0u, 5u}, {6u, 5u}, {2u, 256u}, {0u, 0u}})
        EXPECT_EQ(split_key(a_key(1), threshold, count, random).error().kind,
                  ErrorKind::invalid_argument);
}

TEST(Shamir, refuses_too_few_repeated_and_unnumbered_shares) {
    SeededRandom random(1);
    const auto shares = split_key(a_key(1), 3, 5, random).value();
    const auto few = combine_key(std::span(shares).first(2), 3).error();
    EXPECT_EQ(few.message, "the key needs 3 shares and only 2 are here");
    auto repeated = shares;
    repeated[1] = repeated[0];
    EXPECT_EQ(combine_key(repeated, 3).error().message, "key share 1 was given twice");
    auto unnumbered = shares;
    unnumbered[1].index = 0;
    EXPECT_EQ(combine_key(unnumbered, 3).error().kind, ErrorKind::invalid_argument);
    for (const std::uint32_t threshold : {0u, 256u})
        EXPECT_EQ(combine_key(shares, threshold).error().kind, ErrorKind::invalid_argument);
}

TEST(Shamir, a_wrong_share_gives_a_key_that_its_commitment_refuses) {
    SeededRandom random(1);
    const auto key = a_key(1);
    auto shares = split_key(key, 3, 5, random).value();
    shares[0].bytes[9] ^= 1;
    EXPECT_NE(commit_key(combine_key(shares, 3).value()), commit_key(key));
}

TEST(Shamir, finds_the_committed_key_among_wrong_shares_while_enough_are_right) {
    SeededRandom random(1);
    const auto key = a_key(1);
    const auto good = split_key(key, 4, 8, random).value();
    for (std::size_t wrong = 0; wrong <= 8; ++wrong) {
        auto shares = good;
        for (std::size_t i = 0; i < wrong; ++i) shares[i].bytes[i] ^= 0x40;
        const auto got = combine_committed(shares, 4, commit_key(key));
        if (wrong <= 4) {
            EXPECT_EQ(got.value(), key);
        } else {
            EXPECT_EQ(got.error().kind, ErrorKind::corrupt);
        }
    }
    EXPECT_EQ(combine_committed(std::span(good).first(3), 4, commit_key(key)).error().kind,
              ErrorKind::unavailable);
}

TEST(Shamir, gives_up_on_too_many_subsets) {
    SeededRandom random(1);
    const auto shares = split_key(a_key(1), 10, 100, random).value();
    EXPECT_EQ(combine_committed(shares, 10, Digest{}).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::crypto
