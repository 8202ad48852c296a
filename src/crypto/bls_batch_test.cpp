#include "crypto/bls_batch.hpp"

#include <gtest/gtest.h>

#include "base/codec.hpp"
#include "crypto/test_points.hpp"

namespace mutirao::crypto {
namespace {

// Claims of committees that share keys, each about a message of its own.
struct Claims {
    explicit Claims(std::size_t count, std::size_t committees = 2) {
        for (std::uint64_t i = 0; i < committees; ++i) {
            keys.emplace_back();
            for (std::uint64_t member = 0; member < 3; ++member)
                keys.back().push_back(
                    *BlsVerifiedKey::possession_shown(key_of(i + member).public_key()));
        }
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto committee = i % committees;
            const auto message = Writer().u(i).bytes();
            std::vector<BlsSignature> parts;
            for (std::uint64_t member = 0; member < 3; ++member)
                parts.push_back(key_of(committee + member).sign(message));
            list.push_back({keys[committee], message, *aggregate(parts)});
        }
    }
    std::vector<std::vector<BlsVerifiedKey>> keys;
    std::vector<AggregateClaim> list;
};

TEST(VerifyAggregates, holds_for_right_ones_of_any_number) {
    EXPECT_TRUE(verify_aggregates({}));
    for (const std::size_t count : {1u, 2u, 3u, 40u}) {
        const Claims claims(count);
        EXPECT_TRUE(verify_aggregates(claims.list)) << count;
    }
    EXPECT_TRUE(verify_aggregates(Claims(7, 7).list));
}

TEST(VerifyAggregates, fails_when_any_one_would) {
    for (const std::size_t count : {1u, 5u}) {
        for (std::size_t wrong = 0; wrong < count; ++wrong) {
            auto message = Claims(count);
            message.list[wrong].message.push_back(0);
            EXPECT_FALSE(verify_aggregates(message.list));
            auto keys = Claims(count);
            keys.list[wrong].keys = keys.list[wrong].keys.first(2);
            EXPECT_FALSE(verify_aggregates(keys.list));
            auto none = Claims(count);
            none.list[wrong].keys = {};
            EXPECT_FALSE(verify_aggregates(none.list));
            auto outside = Claims(count);
            outside.list[wrong].aggregate = signature_outside_the_group();
            EXPECT_FALSE(verify_aggregates(outside.list));
            auto infinite = Claims(count);
            infinite.list[wrong].aggregate = infinity<BlsSignature>();
            EXPECT_FALSE(verify_aggregates(infinite.list));
        }
    }
}

// Two errors that a plain sum would cancel: the signatures of one committee, swapped.
TEST(VerifyAggregates, fails_when_errors_cancel_out_in_a_plain_sum) {
    auto claims = Claims(4);
    std::swap(claims.list[0].aggregate, claims.list[2].aggregate);
    EXPECT_FALSE(verify_aggregates(claims.list));
}

}  // namespace
}  // namespace mutirao::crypto
