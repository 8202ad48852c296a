// Every slot's rows are a partition of all rows, and profile S's order is that of the
// specification.
#include "block/row_order.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "base/codec.hpp"
#include "base/random.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

constexpr std::uint32_t kRows = 16384;

void is_a_partition(const RowOrder& order, std::uint32_t rows) {
    std::set<std::uint32_t> seen;
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot)
        for (std::uint32_t j = 0; j < rows / kSlotCount; ++j) {
            const auto row = order.row_at(slot, j);
            ASSERT_LT(row, rows);
            ASSERT_TRUE(seen.insert(row).second) << row;
            ASSERT_EQ(order.slot_of(row), slot);
            ASSERT_EQ(order.place_in_slot(row), j);
        }
}

Bytes words(std::initializer_list<std::uint32_t> values) {
    Writer out;
    for (const auto value : values) out.u(value);
    return std::move(out).take();
}

TEST(RowOrder, strided_rows_are_a_partition_with_the_stride_of_the_slots) {
    for (const std::uint32_t rows : {768u, 3072u}) {
        const auto order = RowOrder::strided(rows, kSlotCount);
        is_a_partition(order, rows);
        EXPECT_EQ(order.row_at(5, 2), 5 + 2 * kSlotCount);
    }
}

RC_GTEST_PROP(RowOrder, shuffled_rows_are_a_partition, (std::uint64_t seed)) {
    const auto digest = SeededRandom(seed).fixed<Digest>();
    is_a_partition(RowOrder::shuffled(digest.span(), kRows, kSlotCount), kRows);
}

// The specification's sentence, word for word: signed counting, 64-bit arithmetic, one more swap.
std::vector<std::uint32_t> plain_order(const Digest& seed) {
    Bytes stream(kRows * 8);
    crypto::blake3_keyed_xof(crypto::domain_key("permutation"), seed.span(), stream);
    Reader in(stream);
    std::vector<std::uint32_t> p(kRows);
    for (std::uint32_t i = 0; i < kRows; ++i) p[i] = i;
    for (std::int64_t i = kRows - 1; i >= 1; --i) {
        const auto bound = static_cast<std::uint64_t>(i + 1);
        std::uint64_t w = in.u<std::uint32_t>().value();
        while (w >= (std::uint64_t{1} << 32) / bound * bound) w = in.u<std::uint32_t>().value();
        std::swap(p[static_cast<std::size_t>(i)], p[w % bound]);
    }
    return p;
}

TEST(RowOrder, is_the_plain_shuffle_of_the_specification) {
    SeededRandom random(21);
    for (int run = 0; run < 50; ++run) {
        const auto seed = random.fixed<Digest>();
        const auto order = RowOrder::shuffled(seed.span(), kRows, kSlotCount);
        const auto plain = plain_order(seed);
        for (std::uint32_t place = 0; place < kRows; ++place)
            ASSERT_EQ(order.row_at(place % kSlotCount, place / kSlotCount), plain[place]) << run;
    }
}

TEST(RowOrder, of_another_seed_is_another_one) {
    Digest seed;
    const auto order = RowOrder::shuffled(seed.span(), kRows, kSlotCount);
    seed.bytes[31] = 0x80;
    const auto other = RowOrder::shuffled(seed.span(), kRows, kSlotCount);
    std::uint32_t same = 0;
    for (std::uint32_t row = 0; row < kRows; ++row)
        same += order.slot_of(row) == other.slot_of(row);
    EXPECT_LT(same, 150u);  // 64 are expected of chance
}

// Goal: nobody can choose which rows a slot has. Method: over many seeds each row meets a given
// slot about as often as chance has it.
TEST(RowOrder, spreads_every_row_evenly_over_the_slots) {
    constexpr std::uint32_t kSeeds = 400;
    std::vector<std::uint32_t> rows_in_slot_7(16);  // rows in 16 equal parts
    SeededRandom random(22);
    for (std::uint32_t run = 0; run < kSeeds; ++run) {
        const auto order = RowOrder::shuffled(random.fixed<Digest>().span(), kRows, kSlotCount);
        for (std::uint32_t j = 0; j < kRows / kSlotCount; ++j)
            ++rows_in_slot_7[order.row_at(7, j) / (kRows / 16)];
    }
    const double expected = kSeeds * (kRows / kSlotCount) / 16.0;  // 1600, deviation 39
    for (const auto count : rows_in_slot_7) EXPECT_NEAR(count, expected, 200);
}

// Goal: the bound that profile S rests on, ((1+rho)/2)^sigma, with numbers small enough to be seen.
// Method: 24 of 64 rows are bad, (1-rho)/2 of them for rho = 1/4; how often has one slot of four
// rows none, how often have two? Chance has it C(40,4)/C(64,4) = 0.144 and C(40,8)/C(64,8) = 0.0174
// of the time, the bounds are 0.153 and 0.0233.
TEST(RowOrder, a_slot_misses_all_bad_rows_no_more_often_than_the_bound) {
    constexpr std::uint32_t kSeeds = 20000, kFew = 64, kFewSlots = 16, kGood = 40;
    std::uint32_t one_fooled = 0, two_fooled = 0;
    SeededRandom random(23);
    for (std::uint32_t run = 0; run < kSeeds; ++run) {
        const auto order = RowOrder::shuffled(random.fixed<Digest>().span(), kFew, kFewSlots);
        const auto fooled = [&](std::uint32_t slot) {
            for (std::uint32_t j = 0; j < kFew / kFewSlots; ++j)
                if (order.row_at(slot, j) >= kGood) return false;
            return true;
        };
        one_fooled += fooled(3);
        two_fooled += fooled(3) && fooled(11);
    }
    EXPECT_NEAR(one_fooled, 2877, 250);  // deviation 50
    EXPECT_NEAR(two_fooled, 348, 95);    // deviation 19
    EXPECT_LT(one_fooled, kSeeds * 0.1526);
    EXPECT_LT(two_fooled, kSeeds * 0.0233);
}

TEST(Permute, skips_words_that_would_favour_low_places) {
    // Of three: words from 3 * floor(2^32 / 3) = 2^32 - 1 on are skipped. Of two: none.
    EXPECT_EQ(permute(3, words({0xffffffff, 0, 1})).value(), (std::vector<std::uint32_t>{2, 1, 0}));
    EXPECT_EQ(permute(3, words({0, 1})).value(), (std::vector<std::uint32_t>{2, 1, 0}));
    // 0xfffffffe mod 3 = 2: taken, place 2 stays. 0xffffffff mod 2 = 1: taken.
    EXPECT_EQ(permute(3, words({0xfffffffe, 0xffffffff})).value(),
              (std::vector<std::uint32_t>{0, 1, 2}));
    // Of five: 2^32 mod 5 = 1, so the last word alone is skipped, however often it comes.
    EXPECT_EQ(permute(5, words({0xffffffff, 0xffffffff, 4, 3, 2, 1})).value(),
              (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
    // Of seven: 2^32 mod 7 = 4, so the last four.
    EXPECT_EQ(permute(7, words({0xfffffffc, 6, 5, 4, 3, 2, 1})).value().back(), 6u);
    EXPECT_EQ(permute(7, words({0xfffffffb, 5, 4, 3, 2, 1})).value().back(), 6u);
}

TEST(Permute, of_a_stream_that_ends_first_is_nothing) {
    EXPECT_FALSE(permute(3, words({1})).has_value());
    EXPECT_FALSE(permute(3, words({0xffffffff, 1})).has_value());
    EXPECT_FALSE(permute(2, Bytes{1, 2, 3}).has_value());
    EXPECT_TRUE(permute(1, {}).has_value());
    EXPECT_TRUE(permute(0, {}).has_value());
}

}  // namespace
}  // namespace mutirao::block
