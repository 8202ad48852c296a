#include "base/random.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace mutirao {
namespace {

Bytes draw(std::uint64_t seed, std::size_t size) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

// SplitMix64 from seed 1234567, as published with the reference C code of Vigna and reproduced in
// many libraries' tests: 6457827717110365317, 3203168211198807973, 9817491932198370423.
TEST(SeededRandom, is_splitmix64) {
    SeededRandom random(1234567);
    EXPECT_EQ(random.next_u64(), 6457827717110365317u);
    EXPECT_EQ(random.next_u64(), 3203168211198807973u);
    EXPECT_EQ(random.next_u64(), 9817491932198370423u);
}

TEST(SeededRandom, same_seed_same_bytes_other_seed_other_bytes) {
    EXPECT_EQ(draw(7, 1000), draw(7, 1000));
    EXPECT_NE(draw(7, 1000), draw(8, 1000));
    // A longer draw begins with the shorter one.
    EXPECT_EQ(to_hex(draw(7, 1000)).substr(0, 26), to_hex(draw(7, 13)));
}

TEST(Random, below_reaches_every_number_under_its_bound_and_none_beyond) {
    SeededRandom random(3);
    for (const std::uint64_t bound : {1u, 2u, 3u, 7u, 10u}) {
        std::vector<int> seen(bound);
        for (int i = 0; i < 7000; ++i) {
            const auto number = random.below(bound);
            ASSERT_LT(number, bound);
            ++seen[number];
        }
        // Six standard deviations of a fair draw.
        const double fair = 7000.0 / static_cast<double>(bound);
        for (const int count : seen) EXPECT_NEAR(count, fair, 6 * std::sqrt(fair) + 1);
    }
    const std::uint64_t wide = 3ull << 62;
    for (int i = 0; i < 1000; ++i) ASSERT_LT(random.below(wide), wide);
}

TEST(Random, fixed_fills_every_byte) {
    SeededRandom random(5);
    Digest any;
    for (int i = 0; i < 64; ++i) {
        const auto drawn = random.fixed<Digest>();
        for (std::size_t j = 0; j < 32; ++j)
            any.bytes[j] = static_cast<std::uint8_t>(any.bytes[j] | drawn.bytes[j]);
    }
    for (const auto byte : any.bytes) EXPECT_EQ(byte, 0xff);
}

}  // namespace
}  // namespace mutirao
