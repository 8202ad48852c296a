#include "crypto/hash_to_group_each.hpp"

#include <array>
#include <cstring>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "crypto/bls_points.hpp"

namespace mutirao::crypto {
namespace {

using namespace bls_points;

// As blst hashes each alone, on both paths.
void expect_as_alone(const std::vector<Bytes>& some, std::string_view domain) {
    const std::vector<ByteSpan> messages(some.begin(), some.end());
    for (const auto* const lanes :
         {static_cast<const g1_lanes::Kernel*>(nullptr), g1_lanes::kernel()}) {
        const auto out = hash_each_to_group(messages, domain, lanes);
        ASSERT_EQ(out.size(), some.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            const auto alone = to_affine(hash_to_group(some[i], domain));
            EXPECT_EQ(std::memcmp(&out[i], &alone, sizeof alone), 0) << to_hex(some[i]);
        }
    }
}

Bytes any_message(SeededRandom& random) {
    Bytes out(random.below(301));
    random.fill(out);
    return out;
}

TEST(HashToGroupEach, hashes_any_number_of_messages) {
    SeededRandom random(1);
    for (std::size_t count = 0; count <= 20; ++count) {
        std::vector<Bytes> some;
        while (some.size() < count) some.push_back(any_message(random));
        expect_as_alone(some, kSignDomain);
    }
}

TEST(HashToGroupEach, gives_the_same_numbers_as_blst_for_many_messages) {
    SeededRandom random(2);
    std::vector<Bytes> some;
    while (some.size() < 2000) some.push_back(any_message(random));
    expect_as_alone(some, kSignDomain);
}

TEST(HashToGroupEach, hashes_messages_of_each_size) {
    std::vector<Bytes> some;
    for (std::size_t size = 0; size <= 300; ++size) some.emplace_back(size, std::uint8_t{0xff});
    expect_as_alone(some, kSignDomain);
}

TEST(HashToGroupEach, hashes_equal_messages_to_the_same_point) {
    SeededRandom random(3);
    std::vector<Bytes> some(9, any_message(random));
    some[4] = any_message(random);
    expect_as_alone(some, kSignDomain);
}

TEST(HashToGroupEach, tells_domains_apart_and_takes_those_of_any_size) {
    SeededRandom random(4);
    const std::vector<Bytes> some{any_message(random), any_message(random), any_message(random)};
    expect_as_alone(some, kPossessionDomain);
    for (const std::size_t size : {0u, 1u, 20u, 63u, 64u, 255u, 256u, 400u})
        expect_as_alone(some, std::string(size, 'd'));
}

using Drawn = std::array<std::uint64_t, 8>;  // the lowest first

blst_fp reduced(const Drawn& number) {
    constexpr std::uint64_t kShift[6] = {0, 0, 0, 0, 1};  // 2^256
    blst_fp lower, upper, shift;
    const std::uint64_t low[6] = {number[0], number[1], number[2], number[3]};
    const std::uint64_t high[6] = {number[4], number[5], number[6], number[7]};
    blst_fp_from_uint64(&lower, low);
    blst_fp_from_uint64(&upper, high);
    blst_fp_from_uint64(&shift, kShift);
    blst_fp_mul(&upper, &upper, &shift);
    blst_fp_add(&lower, &lower, &upper);
    return lower;
}

Drawn plain(const blst_fp& number) {
    Drawn out{};
    blst_uint64_from_fp(out.data(), &number);
    return out;
}

// The lanes' part alone, on a pair of numbers beside such that hash well. Whether it hashes them.
bool expect_as_mapped(const Drawn& u, const Drawn& v, SeededRandom& random) {
    constexpr std::size_t kLane = 5;
    g1_lanes::LongNumbers drawn[2];
    Drawn pairs[g1_lanes::kLanes][2];
    for (std::size_t lane = 0; lane < g1_lanes::kLanes; ++lane) {
        for (auto& number : pairs[lane])
            for (auto& limb : number) limb = random.below(~std::uint64_t{0});
        if (lane == kLane) pairs[lane][0] = u, pairs[lane][1] = v;
        for (std::size_t i = 0; i < 2; ++i)
            g1_lanes::set_lane(drawn[i].words, lane, pairs[lane][i]);
    }
    g1_lanes::Jacobian out;
    const auto found = g1_lanes::kernel()->hash(drawn, out);
    for (std::size_t lane = 0; lane < g1_lanes::kLanes; ++lane) {
        if ((found >> lane & 1) == 0) {
            EXPECT_EQ(lane, kLane);
            continue;
        }
        const auto one = reduced(pairs[lane][0]), other = reduced(pairs[lane][1]);
        blst_p1 right;
        blst_map_to_g1(&right, &one, &other);
        const blst_p1 got{number_in(out.x, lane), number_in(out.y, lane), number_in(out.z, lane)};
        EXPECT_TRUE(blst_p1_is_equal(&got, &right)) << lane;
    }
    return (found >> kLane & 1) != 0;
}

TEST(HashToGroupEach, maps_numbers_at_the_ends_of_the_field_and_beyond) {
    if (g1_lanes::kernel() == nullptr) GTEST_SKIP() << "this processor has no kernel";
    SeededRandom random(5);
    const blst_fp zero{};
    blst_fp one;
    const std::uint64_t kOne[6] = {1};
    blst_fp_from_uint64(&one, kOne);
    blst_fp minus_one;
    blst_fp_cneg(&minus_one, &one, true);
    Drawn p = plain(minus_one), all_ones;
    ++p[0];
    all_ones.fill(~std::uint64_t{0});
    Drawn above_p = p, apart{};
    ++above_p[0];
    apart[6] = std::uint64_t{1} << 32;  // 2^416
    std::vector<Drawn> some{plain(one), plain(minus_one), above_p, all_ones, apart};
    for (std::size_t bit = 0; bit < 512; bit += 7) {
        some.emplace_back();
        some.back()[bit / 64] = std::uint64_t{1} << bit % 64;
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
        EXPECT_TRUE(expect_as_mapped(some[i], all_ones, random) || some[i] == all_ones);
        EXPECT_TRUE(expect_as_mapped(apart, some[i], random) || some[i] == apart);
    }
    // SWU divides by zero for u = 0 and u^2 = -1/11: these are left to blst.
    blst_fp root;
    const std::uint64_t kEleven[6] = {11};
    blst_fp_from_uint64(&root, kEleven);
    blst_fp_cneg(&root, &root, true);
    blst_fp_inverse(&root, &root);
    ASSERT_TRUE(blst_fp_sqrt(&root, &root));
    for (const auto& bad : {plain(zero), p, plain(root)}) {
        EXPECT_FALSE(expect_as_mapped(bad, all_ones, random));
        EXPECT_FALSE(expect_as_mapped(all_ones, bad, random));
        EXPECT_FALSE(expect_as_mapped(bad, bad, random));
    }
    // So are points that are alike, or one the other's negative.
    EXPECT_FALSE(expect_as_mapped(all_ones, all_ones, random));
    EXPECT_FALSE(expect_as_mapped(plain(one), above_p, random));
    EXPECT_FALSE(expect_as_mapped(plain(one), plain(minus_one), random));
}

}  // namespace
}  // namespace mutirao::crypto
