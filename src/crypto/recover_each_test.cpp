#include "crypto/recover_each.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/random.hpp"
#include "crypto/group_scalar.hpp"
#include "crypto/hash.hpp"
#include "crypto/recover_lanes.hpp"

namespace mutirao::crypto {
namespace {

using group_scalar::Scalar;

constexpr const char* kOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

using Word = decltype(AccountSignature::r);
using WordS = decltype(AccountSignature::s);

template <class Out>
Out bytes_of(const Scalar& number) {
    Out out;
    for (std::size_t i = 0; i < 32; ++i)
        out.bytes[i] = static_cast<std::uint8_t>(number[3 - i / 8] >> (56 - 8 * (i % 8)));
    return out;
}
Scalar scalar_of(const Digest& bytes) {
    return group_scalar::reduced(group_scalar::from_bytes(bytes.bytes));
}

SignedHash random_one(SeededRandom& random) {
    const auto hash = random.fixed<Digest>();
    return {hash, AccountKey::generate(random).sign(hash)};
}

// As recover() says of each alone, whatever stands beside it.
void expect_as_alone(const std::vector<SignedHash>& asked) {
    const auto together = recover_each(asked);
    ASSERT_EQ(together.size(), asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const auto alone = recover(asked[i].hash, asked[i].signature);
        ASSERT_EQ(together[i].ok(), alone.ok()) << i;
        if (alone.ok())
            EXPECT_EQ(*together[i], *alone) << i;
        else
            EXPECT_EQ(together[i].error().message, alone.error().message) << i;
    }
}

TEST(RecoverEach, says_of_each_what_recover_says_of_it_alone) {
    SeededRandom random(1);
    for (std::size_t count = 0; count < 35; ++count) {
        std::vector<SignedHash> asked;
        while (asked.size() < count) asked.push_back(random_one(random));
        expect_as_alone(asked);
    }
    std::vector<SignedHash> many;
    while (many.size() < 600) many.push_back(random_one(random));
    expect_as_alone(many);
}

TEST(RecoverEach, finds_the_bad_ones_among_good_ones) {
    SeededRandom random(2);
    const auto order = *from_hex(kOrder);
    for (int round = 0; round < 20; ++round) {
        std::vector<SignedHash> asked;
        while (asked.size() < 16) asked.push_back(random_one(random));
        asked[0].signature.r = {};
        asked[1].signature.s = {};
        asked[2].signature.y_parity = 2;
        std::copy(order.begin(), order.end(), asked[4].signature.r.bytes.begin());
        asked[5].signature.r.bytes.fill(0xff);
        const auto high =
            group_scalar::negative(group_scalar::from_bytes(asked[7].signature.s.bytes));
        asked[7].signature.s = bytes_of<WordS>(high);
        asked[8].signature.r = random.fixed<Word>();  // half of them are of no point
        asked[9].signature.r = random.fixed<Word>();
        asked[10].signature.y_parity ^= 1;
        asked[11].hash = random.fixed<Digest>();
        for (std::size_t i = asked.size(); i > 1; --i)
            std::swap(asked[i - 1], asked[random.below(i)]);
        expect_as_alone(asked);
    }
}

TEST(RecoverEach, takes_hashes_at_the_ends_of_their_range) {
    SeededRandom random(3);
    std::vector<SignedHash> asked;
    for (int i = 0; i < 6; ++i) asked.push_back(random_one(random));
    asked[0].hash = {};
    asked[1].hash.bytes.fill(0xff);
    asked[2].hash = *Digest::from_hex(kOrder);
    asked[3].hash = *Digest::from_hex(kOrder);
    --asked[3].hash.bytes[31];
    asked[4].hash = {};
    asked[4].hash.bytes[31] = 1;
    asked[5].signature.s = {};
    asked[5].signature.s.bytes[31] = 1;
    expect_as_alone(asked);
}

// The x of B times `times`, as another library has it.
Scalar x_of_begin_times(const Scalar& times) {
    const auto b = keccak256(as_bytes(recover_lanes::kWhereSumsBegin));
    const auto scalar = bytes_of<Digest>(group_scalar::product(scalar_of(b), times));
    auto* const group = EC_GROUP_new_by_curve_name(NID_secp256k1);
    auto* const point = EC_POINT_new(group);
    auto* const factor = BN_bin2bn(scalar.bytes.data(), 32, nullptr);
    auto* const x = BN_new();
    EXPECT_EQ(EC_POINT_mul(group, point, factor, nullptr, nullptr, nullptr), 1);
    EXPECT_EQ(EC_POINT_get_affine_coordinates(group, point, x, nullptr, nullptr), 1);
    Digest out;
    EXPECT_EQ(BN_bn2binpad(x, out.bytes.data(), 32), 32);
    BN_free(x);
    BN_free(factor);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return scalar_of(out);
}

// An R of the attacker's choice, of which a small multiple is added where the sum so far is that
// multiple, or its negative: additions of unlike points have no result for that.
TEST(RecoverEach, is_right_where_points_meet_that_are_alike) {
    SeededRandom random(4);
    Scalar doubled{1};  // the sum is so many times B when digits of this place are added
    for (int place = 32; place >= 0; --place) {
        std::vector<SignedHash> asked;
        for (const std::uint64_t digit : {1u, 2u, 7u}) {
            Scalar inverse_digit[] = {Scalar{digit}};
            group_scalar::invert_all(inverse_digit);
            const auto r = x_of_begin_times(group_scalar::product(doubled, inverse_digit[0]));
            // s / r is the digit at its place.
            Scalar weight{digit};
            for (int i = 0; i < 4 * place; ++i) weight = group_scalar::sum(weight, weight);
            auto s = group_scalar::product(r, weight);
            if (group_scalar::is_over_half(s)) s = group_scalar::negative(s);
            for (const std::uint8_t parity : {0, 1})
                for (const auto& hash : {Digest(), random.fixed<Digest>()})
                    asked.push_back({hash, {bytes_of<Word>(r), bytes_of<WordS>(s), parity}});
        }
        expect_as_alone(asked);
        for (int i = 0; i < 4; ++i) doubled = group_scalar::sum(doubled, doubled);
    }
}

TEST(GroupScalar, inverses_and_halves_give_their_number_back) {
    SeededRandom random(5);
    const Scalar lambda{0xdf02967c1b23bd72, 0x122e22ea20816678, 0xa5261c028812645a,
                        0x5363ad4cc05c30e0};
    std::vector<Scalar> numbers{Scalar{1}, Scalar{2}, lambda, group_scalar::negative({1}),
                                group_scalar::negative(lambda)};
    for (int i = 0; i < 500; ++i) numbers.push_back(scalar_of(random.fixed<Digest>()));
    auto inverses = numbers;
    group_scalar::invert_all(inverses);
    const auto signed_half = [](const group_scalar::Half& half) {
        const Scalar size{half.size[0], half.size[1]};
        return half.negative ? group_scalar::negative(size) : size;
    };
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        EXPECT_EQ(group_scalar::product(numbers[i], inverses[i]), Scalar{1}) << i;
        const auto halves = group_scalar::split(numbers[i]);
        EXPECT_EQ(group_scalar::sum(signed_half(halves.a),
                                    group_scalar::product(lambda, signed_half(halves.b))),
                  numbers[i])
            << i;
    }
    EXPECT_EQ(group_scalar::sum(numbers[3], Scalar{1}), Scalar{});
    EXPECT_EQ(group_scalar::sum(Scalar{}, Scalar{}), Scalar{});
    EXPECT_EQ(group_scalar::negative(Scalar{}), Scalar{});
    const auto none = group_scalar::split(Scalar{});
    EXPECT_EQ(none.a.size, (std::array<std::uint64_t, 2>{}));
    EXPECT_EQ(none.b.size, (std::array<std::uint64_t, 2>{}));
}

}  // namespace
}  // namespace mutirao::crypto
