#include "crypto/load_points.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::crypto {
namespace {

using Compressed = FixedBytes<struct CompressedTag, 48>;

constexpr std::uint8_t kCompressed = 0x80, kInfinity = 0x40, kLarger = 0x20;
constexpr const char* kP =
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa"
    "ab";
// Big-endian. The order of the curve is that of the group times the cofactor, of which these are
// the primes; 3 stands in it once, each of the others twice.
constexpr const char* kGroupOrder =
    "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
constexpr std::uint64_t kPrimes[] = {3, 11, 10177, 859267, 52437899};

Compressed bytes_of(const blst_p1& point) {
    Compressed out;
    blst_p1_compress(out.bytes.data(), &point);
    return out;
}

blst_p1 times(const blst_p1& point, std::uint64_t factor) {
    std::uint8_t scalar[8];
    for (std::size_t i = 0; i < 8; ++i) scalar[i] = static_cast<std::uint8_t>(factor >> 8 * i);
    blst_p1 out;
    blst_p1_mult(&out, &point, scalar, 64);
    return out;
}
blst_p1 times_group_order(const blst_p1& point) {
    auto scalar = from_hex(kGroupOrder).value();
    std::reverse(scalar.begin(), scalar.end());
    blst_p1 out;
    blst_p1_mult(&out, &point, scalar.data(), 256);
    return out;
}
blst_p1 sum(const blst_p1& a, const blst_p1& b) {
    blst_p1 out;
    blst_p1_add_or_double(&out, &a, &b);
    return out;
}

blst_p1 in_group(SeededRandom& random) {
    const auto seed = random.fixed<Digest>();
    blst_p1 out;
    blst_hash_to_g1(&out, seed.bytes.data(), seed.bytes.size(), nullptr, 0, nullptr, 0);
    return out;
}

// Half of them are on the curve, and hardly one of these in the group.
Compressed any_x(SeededRandom& random) {
    auto out = random.fixed<Compressed>();
    out.bytes[0] =
        static_cast<std::uint8_t>(kCompressed | (out.bytes[0] & kLarger) | out.bytes[0] % 0x1a);
    return out;
}
blst_p1 on_curve(SeededRandom& random) {
    blst_p1_affine point;
    while (blst_p1_uncompress(&point, any_x(random).bytes.data()) != BLST_SUCCESS) continue;
    blst_p1 out;
    blst_p1_from_affine(&out, &point);
    return out;
}

// A point whose order is the prime, or infinity, from whose multiples it was made.
blst_p1 of_order(std::uint64_t prime, SeededRandom& random) {
    auto out = times_group_order(on_curve(random));
    for (const auto other : kPrimes)
        for (int power = 0; power < (other == 3 ? 1 : 2); ++power)
            if (other != prime) out = times(out, other);
    // Without the square of its prime the cofactor leaves a point of that order or its square.
    const auto next = times(out, prime);
    return blst_p1_is_inf(&next) ? out : next;
}

Compressed x_near(const char* number, int apart) {
    auto out = Compressed::from_hex(number).value();
    for (std::size_t i = 48; i-- > 0 && apart != 0;) {
        const int byte = out.bytes[i] + apart;
        out.bytes[i] = static_cast<std::uint8_t>(byte);
        apart = byte >> 8;
    }
    out.bytes[0] |= kCompressed;
    return out;
}

std::size_t expect_as_alone(const std::vector<Compressed>& some, const g1_lanes::Kernel* lanes) {
    std::vector<CompressedPoint> compressed;
    for (const auto& one : some) compressed.emplace_back(one.bytes);
    std::vector<blst_p1_affine> out(some.size());
    const auto good = load_points(compressed, out, lanes);
    EXPECT_EQ(good.size(), some.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
        blst_p1_affine alone;
        const bool right = blst_p1_uncompress(&alone, some[i].bytes.data()) == BLST_SUCCESS &&
                           blst_p1_affine_in_g1(&alone);
        EXPECT_EQ(good[i], right) << i << " " << to_hex(some[i].span());
        if (!right) continue;
        EXPECT_EQ(std::memcmp(&out[i], &alone, sizeof alone), 0) << to_hex(some[i].span());
    }
    return static_cast<std::size_t>(std::count(good.begin(), good.end(), true));
}
// As blst says of each alone, whatever stands beside it. How many are good.
std::size_t expect_as_alone(const std::vector<Compressed>& some) {
    const auto good = expect_as_alone(some, nullptr);
    EXPECT_EQ(expect_as_alone(some, g1_lanes::kernel()), good);
    return good;
}

TEST(LoadPoints, loads_any_number_of_points_of_the_group) {
    SeededRandom random(1);
    for (std::size_t count = 0; count <= 20; ++count) {
        std::vector<Compressed> some;
        while (some.size() < count) some.push_back(bytes_of(in_group(random)));
        EXPECT_EQ(expect_as_alone(some), count);
    }
}

TEST(LoadPoints, gives_the_same_numbers_as_blst_for_many_points) {
    SeededRandom random(2);
    std::vector<Compressed> some;
    auto point = in_group(random);
    const auto step = in_group(random);
    while (some.size() < 5000) {
        some.push_back(bytes_of(point));
        blst_p1_cneg(&point, random.below(2) == 1);
        point = sum(point, step);
    }
    EXPECT_EQ(expect_as_alone(some), some.size());
}

TEST(LoadPoints, refuses_what_is_off_the_curve_or_outside_the_group) {
    SeededRandom random(3);
    std::vector<Compressed> any, outside;
    while (any.size() < 1500) any.push_back(any_x(random));
    while (outside.size() < 500) outside.push_back(bytes_of(on_curve(random)));
    EXPECT_EQ(expect_as_alone(any), 0u);
    EXPECT_EQ(expect_as_alone(outside), 0u);
}

TEST(LoadPoints, takes_x_at_the_ends_of_the_field_and_beyond) {
    const std::string zeros(96, '0');
    std::vector<Compressed> some;
    for (int apart = -70; apart <= 70; ++apart) {
        some.push_back(x_near(kP, apart));
        if (apart >= 0) some.push_back(x_near(zeros.c_str(), apart));
    }
    for (std::size_t bit = 0; bit < 381; ++bit) {  // each power of two: words with few bits
        auto& one = some.emplace_back();
        one.bytes[47 - bit / 8] = static_cast<std::uint8_t>(1u << bit % 8);
        one.bytes[0] |= kCompressed;
    }
    auto larger = some;
    for (auto& one : larger) one.bytes[0] |= kLarger;
    some.insert(some.end(), larger.begin(), larger.end());
    expect_as_alone(some);
}

// Points of the group on y^2 = x^3 + b for b other than 4, which the sums do not use: x = u^2 x_0
// for (x_0, y_0) of the group with u^6 = -2 / (x_0^3 + 2), so that (u^3 y_0)^2 = -(x^3 + 4). What
// would be a root of x^3 + 4, if it had one, is u^3 y_0.
TEST(LoadPoints, refuses_points_of_another_curve_whose_multiples_look_right) {
    std::vector<Compressed> some;
    for (const auto* const x : {"08586e0abc299b8a6f081ca851516c22b3948a61a05bf0456d39cd448329bd37"
                                "c8d85a08205a0550b0816e0e28a738ac",
                                "0aa5e7ff8356963fadb21a6d6753a2967ad4b181643830b5955122a918a27335"
                                "98302db77a78c82c70ce8d0704fe30d2"})
        for (const std::uint8_t flags : {0x80, 0xa0}) {
            some.push_back(Compressed::from_hex(x).value());
            some.back().bytes[0] |= flags;
        }
    EXPECT_EQ(expect_as_alone(some), 0u);
}

TEST(LoadPoints, refuses_a_second_way_to_write_a_point) {
    SeededRandom random(6);
    const auto p = Compressed::from_hex(kP).value();
    std::vector<Compressed> some;
    while (some.size() < 24) {
        auto one = bytes_of(in_group(random));
        const auto flags = static_cast<std::uint8_t>(one.bytes[0] & 0xe0);
        one.bytes[0] &= 0x1f;
        unsigned carry = 0;
        for (std::size_t i = 48; i-- > 0; carry >>= 8) {
            carry += static_cast<unsigned>(one.bytes[i]) + p.bytes[i];
            one.bytes[i] = static_cast<std::uint8_t>(carry);
        }
        if (one.bytes[0] > 0x1f) continue;  // x + p takes more than its 381 bits
        one.bytes[0] |= flags;
        some.push_back(one);
    }
    EXPECT_EQ(expect_as_alone(some), 0u);
}

// Sums on the way to z^2 P meet points that are alike when the order of P is low.
TEST(LoadPoints, refuses_points_of_low_order_and_those_that_differ_by_one) {
    SeededRandom random(4);
    std::vector<Compressed> some{x_near(std::string(96, '0').c_str(), 0)};  // (0, +-2): order 3
    some.push_back(some.front());
    some.back().bytes[0] |= kLarger;
    std::size_t good = 0;
    for (const auto prime : kPrimes)
        for (int i = 0; i < 12; ++i) {
            const auto low = of_order(prime, random);
            const auto left = times(low, prime);
            ASSERT_TRUE(blst_p1_is_inf(&left));
            if (blst_p1_is_inf(&low)) ++good;
            some.push_back(bytes_of(low));
            some.push_back(bytes_of(times(low, 2)));
            some.push_back(bytes_of(sum(low, of_order(11, random))));
            some.push_back(bytes_of(sum(low, in_group(random))));
        }
    EXPECT_LT(good, 40u);
    expect_as_alone(some);
    // Points of the subgroup that has all low orders, and none of the group's.
    std::vector<Compressed> torsion;
    for (int i = 0; i < 100; ++i) torsion.push_back(bytes_of(times_group_order(on_curve(random))));
    EXPECT_EQ(expect_as_alone(torsion), 0u);
}

TEST(LoadPoints, finds_the_bad_ones_among_good_ones) {
    SeededRandom random(5);
    for (int round = 0; round < 40; ++round) {
        std::vector<Compressed> some;
        while (some.size() < 21) some.push_back(bytes_of(in_group(random)));
        some[0].bytes[0] &= static_cast<std::uint8_t>(~kCompressed);
        some[1].bytes[0] |= kInfinity;
        some[2] = {};
        some[2].bytes[0] = kCompressed | kInfinity;  // infinity itself
        some[3] = some[2];
        some[3].bytes[0] |= kLarger;
        some[4] = some[2];
        some[4].bytes[47] = 1;
        some[5] = {};
        some[6] = any_x(random);
        some[7] = bytes_of(on_curve(random));
        some[8] = bytes_of(of_order(11, random));
        some[9] = x_near(kP, 0);
        some[10].bytes[random.below(48)] ^= static_cast<std::uint8_t>(1u << random.below(8));
        some[11].bytes[0] ^= kLarger;
        some[12].bytes.fill(0xff);
        some[13] = x_near(kP, 0);
        some[13].bytes[0] |= kInfinity;
        for (std::size_t i = some.size(); i > 1; --i) std::swap(some[i - 1], some[random.below(i)]);
        some.resize(random.below(some.size() + 1));
        expect_as_alone(some);
    }
}

}  // namespace
}  // namespace mutirao::crypto
