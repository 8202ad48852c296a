#include "train/controller.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace mutirao::train {
namespace {

constexpr std::uint64_t kParameters = 3'300'000;
constexpr double kStep = 0.5;

RoundPlan plan(double bytes_a_second, double round_trip = 0.05, std::uint32_t workers = 4) {
    const std::vector<LinkMeasured> links(workers, {bytes_a_second, bytes_a_second, round_trip});
    return plan_round(links, kStep, kParameters).value();
}

TEST(RoundController, hides_the_exchange_wherever_the_longest_round_allows) {
    for (double rate = 1e3; rate < 1e9; rate *= 1.3) {
        const auto chosen = plan(rate);
        if (chosen.hidden) {
            EXPECT_LE(chosen.exchange_seconds, 0.9 * kStep * chosen.local_steps * 1.0001);
        } else {
            EXPECT_EQ(chosen.local_steps, RoundLimits{}.local_steps_max);
        }
    }
    EXPECT_FALSE(plan(1e3).hidden);
    EXPECT_TRUE(plan(1.25e5).hidden);
}

TEST(RoundController, with_a_faster_link_a_step_has_ever_more_bytes) {
    double last = 0;
    CodecKind kinds[4] = {};
    std::size_t seen = 0;
    for (double rate = 1e3; rate < 1e9; rate *= 1.1) {
        const auto chosen = plan(rate);
        const double bytes =
            static_cast<double>(make_codec(chosen.codec, kParameters).value()->encoded_size());
        EXPECT_GE(bytes / chosen.local_steps, last * 0.93) << rate;  // a step more or less
        last = bytes / chosen.local_steps;
        if (seen == 0 || kinds[seen - 1] != chosen.codec.kind) {
            ASSERT_LT(seen, 4u);
            kinds[seen++] = chosen.codec.kind;
        }
        // More bits than two only in the shortest rounds; two bits never in very long ones.
        const RoundLimits limits;
        if (chosen.codec.kind == CodecKind::int4 || chosen.codec.kind == CodecKind::int8) {
            EXPECT_EQ(chosen.local_steps, limits.local_steps_min);
        }
        if (chosen.codec.kind == CodecKind::dense2) {
            EXPECT_LE(chosen.local_steps, limits.local_steps_dense_max);
        }
    }
    EXPECT_EQ(seen, 4u);
    EXPECT_EQ(kinds[0], CodecKind::topk2);
    EXPECT_EQ(kinds[1], CodecKind::dense2);
    EXPECT_EQ(kinds[2], CodecKind::int4);
    EXPECT_EQ(kinds[3], CodecKind::int8);
}

TEST(RoundController, the_slowest_direction_of_the_slowest_worker_decides) {
    std::vector<LinkMeasured> links(4, {1e6, 1e7, 0.02});
    const auto alone = plan_round(links, kStep, kParameters).value();
    EXPECT_EQ(
        alone,
        plan_round(std::vector<LinkMeasured>(4, {1e6, 1e6, 0.02}), kStep, kParameters).value());
    links[2].up_bytes_a_second = 1e4;
    EXPECT_GT(plan_round(links, kStep, kParameters)->local_steps, alone.local_steps);
}

TEST(RoundController, one_worker_exchanges_nothing) {
    EXPECT_EQ(exchange_seconds({1, 1, 1}, 1e9, 1), 0);
    EXPECT_TRUE(plan(1, 10, 1).hidden);
}

TEST(RoundController, refuses_numbers_that_nobody_measured) {
    const LinkMeasured good{1e6, 1e6, 0.1};
    const auto refused = [](std::vector<LinkMeasured> links, double step) {
        return !plan_round(links, step, kParameters).ok();
    };
    EXPECT_FALSE(refused({good, good}, 1));
    EXPECT_TRUE(refused({}, 1));
    EXPECT_TRUE(refused({good}, 0));
    EXPECT_TRUE(refused({good, {0, 1e6, 0.1}}, 1));
    EXPECT_TRUE(refused({good, {1e6, -1, 0.1}}, 1));
    EXPECT_TRUE(refused({good, {1e6, 1e6, -0.1}}, 1));
    EXPECT_TRUE(refused({good}, std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace mutirao::train
