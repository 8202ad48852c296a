#include "crypto/joint_check.hpp"

#include <gtest/gtest.h>

#include "base/codec.hpp"
#include "crypto/test_points.hpp"

namespace mutirao::crypto {
namespace {

// As many claims of two committees as openings, all of which hold.
struct Both {
    explicit Both(std::size_t count) {
        SeededRandom random(11);
        for (std::uint64_t i = 0; i < 2; ++i)
            keys.push_back({*BlsVerifiedKey::possession_shown(key_of(i).public_key()),
                            *BlsVerifiedKey::possession_shown(key_of(i + 1).public_key())});
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto message = Writer().u(i).bytes();
            const std::vector<BlsSignature> parts{key_of(i % 2).sign(message),
                                                  key_of(i % 2 + 1).sign(message)};
            claims.push_back({keys[i % 2], message, *aggregate(parts)});
            std::vector<Scalar> values(kSlots);
            for (auto& value : values) value = to_scalar(random.fixed<Digest>());
            const auto challenge = random.fixed<Digest>();
            openings.push_back({commit(values), challenge, evaluate(values, challenge),
                                open_point(values, challenge)});
        }
    }
    bool hold() const { return verify_jointly(claims, openings); }

    std::vector<std::vector<BlsVerifiedKey>> keys;
    std::vector<AggregateClaim> claims;
    std::vector<PointOpening> openings;
};

TEST(VerifyJointly, holds_for_right_ones_of_any_number) {
    EXPECT_TRUE(verify_jointly({}, {}));
    for (const std::size_t count : {1u, 2u, 9u}) {
        const Both both(count);
        EXPECT_TRUE(both.hold()) << count;
        EXPECT_TRUE(verify_jointly(both.claims, {}));
        EXPECT_TRUE(verify_jointly({}, both.openings));
        EXPECT_TRUE(verify_jointly(both.claims, std::span(both.openings).first(1)));
    }
}

TEST(VerifyJointly, fails_when_any_one_would) {
    const Both right(3);
    for (std::size_t wrong = 0; wrong < 3; ++wrong) {
        const auto spoilt = [&](const auto& spoil) {
            Both both(3);
            spoil(both.claims[wrong], both.openings[wrong]);
            return !both.hold();
        };
        EXPECT_TRUE(spoilt([](auto& claim, auto&) { claim.message.push_back(0); }));
        EXPECT_TRUE(spoilt([](auto& claim, auto&) { claim.keys = claim.keys.first(1); }));
        EXPECT_TRUE(spoilt([](auto& claim, auto&) { claim.keys = {}; }));
        EXPECT_TRUE(
            spoilt([](auto& claim, auto&) { claim.aggregate = signature_outside_the_group(); }));
        EXPECT_TRUE(spoilt([](auto&, auto& opening) { opening.value.bytes[0] ^= 1; }));
        EXPECT_TRUE(spoilt([](auto&, auto& opening) { opening.challenge.bytes[0] ^= 1; }));
        EXPECT_TRUE(spoilt(
            [&](auto&, auto& opening) { opening.proof = right.openings[(wrong + 1) % 3].proof; }));
        EXPECT_TRUE(spoilt([](auto&, auto& opening) {
            opening.commitment.bytes = signature_outside_the_group().bytes;
        }));
    }
}

template <class Point>
Point plus(const Point& compressed, const blst_p1& add) {
    blst_p1_affine affine;
    EXPECT_EQ(blst_p1_uncompress(&affine, compressed.bytes.data()), BLST_SUCCESS);
    blst_p1 sum;
    blst_p1_from_affine(&sum, &affine);
    blst_p1_add_or_double(&sum, &sum, &add);
    Point out;
    blst_p1_compress(out.bytes.data(), &sum);
    return out;
}

// What is wrong with a signature would make up for what is wrong with a commitment, were the
// weights of both the same.
TEST(VerifyJointly, wrongs_of_both_kinds_do_not_make_up_for_each_other) {
    for (std::size_t other = 0; other < 2; ++other) {
        Both both(2);
        both.claims[0].aggregate = plus(both.claims[0].aggregate, *blst_p1_generator());
        both.openings[other].commitment =
            plus(both.openings[other].commitment, *blst_p1_generator());
        EXPECT_FALSE(both.hold());
    }
}

}  // namespace
}  // namespace mutirao::crypto
