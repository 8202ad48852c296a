#include "crypto/bls_aggregate.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "crypto/test_points.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

using Places = std::vector<std::uint32_t>;

const Bytes kMessage = pattern(50);

BlsSignature point_sum(const BlsSignature& a, const BlsSignature& b) {
    blst_p1_affine left, right;
    blst_p1_uncompress(&left, a.bytes.data());
    blst_p1_uncompress(&right, b.bytes.data());
    blst_p1 sum;
    blst_p1_from_affine(&sum, &left);
    blst_p1_add_or_double_affine(&sum, &sum, &right);
    BlsSignature out;
    blst_p1_compress(out.bytes.data(), &sum);
    return out;
}

BlsSignature negative(const BlsSignature& point) { return flipped(point, 5); }

// (0, 2) is on the curve y^2 = x^3 + 4 and has order 3: a sum of three hides it.
BlsSignature point_of_order_three() {
    BlsSignature out{};
    out.bytes[0] = 0x80;
    return out;
}

// Signers 0 .. count - 1 and their right signatures.
struct Signers {
    explicit Signers(std::size_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            keys.push_back(*BlsVerifiedKey::possession_shown(key_of(i).public_key()));
            signatures.push_back(key_of(i).sign(kMessage));
        }
    }
    // The places named bad, after a check that the sum is that of all others' right signatures.
    Places bad(const std::vector<BlsSignature>& given) const {
        const auto result = aggregate_valid(keys, kMessage, given);
        if (!result.ok()) {
            ADD_FAILURE() << result.error().message;
            return {};
        }
        std::vector<BlsVerifiedKey> left;
        std::vector<BlsSignature> right;
        for (std::uint32_t i = 0; i < keys.size(); ++i) {
            if (std::binary_search(result->bad.begin(), result->bad.end(), i)) continue;
            left.push_back(keys[i]);
            right.push_back(signatures[i]);
        }
        EXPECT_TRUE(verify_aggregate(left, kMessage, result->signature));
        EXPECT_EQ(result->signature, *aggregate(right));
        return result->bad;
    }

    std::vector<BlsVerifiedKey> keys;
    std::vector<BlsSignature> signatures;
};

TEST(AggregateValid, is_the_plain_sum_of_right_signatures) {
    for (const std::size_t count : {1u, 2u, 10u, 100u}) {
        const Signers signers(count);
        EXPECT_EQ(signers.bad(signers.signatures), Places{});
    }
}

TEST(AggregateValid, names_exactly_the_bad_ones) {
    for (const std::size_t count : {2u, 10u, 100u}) {
        const Signers signers(count);
        const auto last = static_cast<std::uint32_t>(count - 1);
        std::vector<Places> cases{{0}, {last}};
        if (count > 2) cases.insert(cases.end(), {{3, 4}, {0, last}, {1, 5, 6, 7, 8}});
        if (count > 10) cases.insert(cases.end(), {{49, 50, 51}, {0, 13, 26, 39, 52, 65, 78, 91}});
        for (const auto& places : cases) {
            auto given = signers.signatures;
            for (const auto place : places) given[place] = key_of(place).sign(pattern(51));
            EXPECT_EQ(signers.bad(given), places) << count;
        }
    }
}

TEST(AggregateValid, finds_the_one_that_is_right) {
    const Signers signers(10);
    Places expected;
    std::vector<BlsSignature> given;
    for (std::uint32_t i = 0; i < 10; ++i) {
        given.push_back(i == 6 ? signers.signatures[6] : key_of(i).sign(pattern(9)));
        if (i != 6) expected.push_back(i);
    }
    EXPECT_EQ(signers.bad(given), expected);
}

TEST(AggregateValid, fails_when_all_are_bad) {
    const Signers signers(5);
    for (const auto& wrong : {key_of(70).sign(kMessage), infinity<BlsSignature>(), BlsSignature{},
                              signature_outside_the_group(), point_of_order_three()}) {
        const std::vector given(5, wrong);
        const auto result = aggregate_valid(signers.keys, kMessage, given);
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
        EXPECT_FALSE(
            aggregate_valid(std::span(signers.keys).first(1), kMessage, std::span(given).first(1))
                .ok());
    }
}

TEST(AggregateValid, names_bytes_that_are_no_point_of_the_group) {
    const Signers signers(10);
    auto given = signers.signatures;
    given[1] = infinity<BlsSignature>();
    given[3] = BlsSignature{};
    given[4] = signature_outside_the_group();
    given[8] = key_of(8).sign(pattern(1));
    given[9].bytes.fill(0xff);
    EXPECT_EQ(signers.bad(given), (Places{1, 3, 4, 8, 9}));
}

TEST(AggregateValid, names_each_flipped_bit) {
    const Signers signers(3);
    for (std::size_t bit = 0; bit < 8 * BlsSignature::kSize; ++bit) {
        auto given = signers.signatures;
        given[bit % 3] = flipped(given[bit % 3], bit);
        ASSERT_EQ(signers.bad(given), Places{static_cast<std::uint32_t>(bit % 3)}) << bit;
    }
}

// What is added to one and taken from another leaves the sum as it should be, and a certificate is
// nothing but the sum. (With the helper's checks: it is that of the right signatures.)
TEST(AggregateValid, errors_that_cancel_leave_the_right_sum) {
    const Signers signers(10);
    const auto error = key_of(40).sign(pattern(3));
    auto given = signers.signatures;
    given[2] = point_sum(given[2], error);
    given[7] = point_sum(given[7], negative(error));
    EXPECT_EQ(signers.bad(given), Places{});
    auto swapped = signers.signatures;
    std::swap(swapped[0], swapped[9]);
    EXPECT_EQ(signers.bad(swapped), Places{});
}

// Once something is wrong, errors cancel neither within a half (0, 1) nor between halves (2, 7).
TEST(AggregateValid, errors_that_cancel_do_not_hide_from_the_search) {
    const Signers signers(10);
    const auto error = key_of(40).sign(pattern(3));
    auto given = signers.signatures;
    for (const auto& [one, other] : {std::pair{0, 1}, {2, 7}}) {
        given[static_cast<std::size_t>(one)] =
            point_sum(given[static_cast<std::size_t>(one)], error);
        given[static_cast<std::size_t>(other)] =
            point_sum(given[static_cast<std::size_t>(other)], negative(error));
    }
    given[5] = key_of(5).sign(pattern(4));
    EXPECT_EQ(signers.bad(given), (Places{0, 1, 2, 5, 7}));
}

TEST(AggregateValid, small_order_errors_are_named_or_cancel) {
    const Signers signers(10);
    auto given = signers.signatures;
    for (const std::size_t i : {1u, 4u, 6u}) given[i] = point_sum(given[i], point_of_order_three());
    EXPECT_EQ(signers.bad(given), Places{});  // three of order three
    given[6] = signers.signatures[6];
    EXPECT_EQ(signers.bad(given), (Places{1, 4}));
    given[4] = signers.signatures[4];
    EXPECT_EQ(signers.bad(given), Places{1});
}

TEST(AggregateValid, a_key_may_be_there_twice) {
    Signers signers(4);
    signers.keys.push_back(signers.keys[1]);
    signers.signatures.push_back(signers.signatures[1]);
    EXPECT_EQ(signers.bad(signers.signatures), Places{});
    auto given = signers.signatures;
    given[4] = given[2];
    EXPECT_EQ(signers.bad(given), Places{4});
}

TEST(AggregateValid, refuses_lists_that_do_not_fit_and_keys_that_cancel_out) {
    const Signers signers(3);
    const std::span keys(signers.keys);
    for (const auto& result :
         {aggregate_valid({}, kMessage, {}), aggregate_valid(keys, kMessage, {}),
          aggregate_valid(keys.first(2), kMessage, signers.signatures)})
        EXPECT_EQ(result.error().kind, ErrorKind::invalid_argument);
    const auto key = key_of(6).public_key();
    const std::vector opposite{*BlsVerifiedKey::possession_shown(key),
                               *BlsVerifiedKey::possession_shown(flipped(key, 5))};
    const std::vector signatures{key_of(6).sign(kMessage), negative(key_of(6).sign(kMessage))};
    EXPECT_EQ(aggregate_valid(opposite, kMessage, signatures).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::crypto
