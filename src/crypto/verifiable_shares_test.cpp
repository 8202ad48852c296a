#include "crypto/verifiable_shares.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::crypto {
namespace {

TEST(VerifiableShares, any_threshold_of_them_fit_the_points_and_give_the_secret) {
    SeededRandom random(1);
    for (const auto& [threshold, count] : {std::pair{1u, 1u}, {2u, 3u}, {5u, 9u}, {3u, 255u}}) {
        const auto secret = random_scalar(random);
        const auto split = split_verifiably(secret, threshold, count, random).value();
        ASSERT_EQ(split.shares.size(), count);
        ASSERT_EQ(split.points.size(), threshold);
        EXPECT_EQ(split.points.front(), point_of(secret));
        for (std::size_t i = 0; i < count; i += 1 + count / 8)
            EXPECT_TRUE(fits(split.shares[i], split.points)) << i;
        for (std::size_t from = 0; from + threshold <= count; from += 1 + count / 8)
            EXPECT_EQ(
                combine_scalar(std::span(split.shares).subspan(from, threshold), threshold).value(),
                secret);
    }
}

TEST(VerifiableShares, a_share_of_something_else_does_not_fit) {
    SeededRandom random(2);
    const auto split = split_verifiably(random_scalar(random), 3, 5, random).value();
    const auto other = split_verifiably(random_scalar(random), 3, 5, random).value();
    EXPECT_FALSE(fits(other.shares[0], split.points));
    auto share = split.shares[0];
    share.bytes[7] ^= 1;
    EXPECT_FALSE(fits(share, split.points));
    share = split.shares[0];
    share.index = 2;
    EXPECT_FALSE(fits(share, split.points));
    share.index = 0;
    EXPECT_FALSE(fits(share, split.points));
    share.bytes.fill(0xff);  // beyond the order
    share.index = 1;
    EXPECT_FALSE(fits(share, split.points));
    auto points = split.points;
    points[1] = {};
    EXPECT_FALSE(is_group_point(points[1]));
    EXPECT_FALSE(fits(split.shares[0], points));
    EXPECT_FALSE(fits(split.shares[0], {}));
}

TEST(VerifiableShares, refuse_counts_and_shares_that_are_none) {
    SeededRandom random(3);
    const auto secret = random_scalar(random);
    for (const auto& [threshold, count] : {std::pair{0u, 3u}, {4u, 3u}, {3u, 256u}})
        EXPECT_EQ(split_verifiably(secret, threshold, count, random).error().kind,
                  ErrorKind::invalid_argument);
    Scalar none;
    none.bytes.fill(0xff);
    EXPECT_FALSE(split_verifiably(none, 2, 3, random).ok());
    auto shares = split_verifiably(secret, 2, 3, random).value().shares;
    EXPECT_EQ(combine_scalar(std::span(shares).first(1), 2).error().kind, ErrorKind::unavailable);
    shares[1].index = shares[0].index;
    EXPECT_EQ(combine_scalar(shares, 2).error().kind, ErrorKind::invalid_argument);
    shares[1].index = 2;
    shares[1].bytes.fill(0xff);
    EXPECT_EQ(combine_scalar(shares, 2).error().kind, ErrorKind::corrupt);
}

TEST(VerifiableShares, two_secrets_agree_on_a_key) {
    SeededRandom random(4);
    const auto one = random_scalar(random), two = random_scalar(random);
    const auto here = agreed_key(one, point_of(two), "mutirao v1 test", {}).value();
    EXPECT_EQ(here, agreed_key(two, point_of(one), "mutirao v1 test", {}).value());
    EXPECT_NE(here, agreed_key(two, point_of(one), "mutirao v1 other test", {}).value());
    EXPECT_NE(here, agreed_key(two, point_of(two), "mutirao v1 test", {}).value());
    EXPECT_EQ(agreed_key(one, {}, "mutirao v1 test", {}).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::crypto
