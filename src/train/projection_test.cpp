#include "train/projection.hpp"

#include <gtest/gtest.h>

#include "train/dilocox_107b.hpp"

namespace mutirao::train {
namespace {

constexpr LinkModel kGigabit{.bits_a_second = kDilocoxBits};

double tokens(const MethodModel& method, const LinkModel& link = kGigabit,
              const ChurnModel& churn = {}) {
    return project(dilocox_replica(), link, method, churn)->tokens_a_second;
}

TEST(Projection, gives_the_published_rows_of_dilocox_within_fifteen_percent) {
    // Step time and tokens follow from the first two; the others are predicted.
    const auto near = [](double got, double published) {
        EXPECT_GT(got, 0.85 * published);
        EXPECT_LT(got, 1.15 * published);
    };
    const std::uint32_t h = kDilocoxLocalSteps;
    near(tokens({.local_steps = 1, .payload_bytes = 2}), kDilocoxAllReduce);
    near(tokens({.local_steps = h, .payload_bytes = kDilocoxInt4, .overlapped = true}),
         kDilocoxFull);
    near(tokens({.local_steps = h, .payload_bytes = kDilocoxInt4}), kDilocoxNoOverlap);
    near(tokens({.local_steps = h, .payload_bytes = 2, .overlapped = true}), kDilocoxNoCompression);
    near(tokens({.local_steps = 1, .payload_bytes = kCocktailBytes}), kDilocoxCocktail);
}

TEST(Projection, hidden_exchanges_cost_nothing_and_others_what_they_take) {
    const ReplicaModel replica{
        .replicas = 4, .parameters = 1e6, .step_seconds = 1, .tokens_a_step = 10};
    // 3 MB to three others at 8 Mbit/s: 3 s, beside 10 s of steps.
    MethodModel method{.local_steps = 10, .payload_bytes = 1, .overlapped = true, .ring = false};
    const LinkModel link{.bits_a_second = 8e6};
    const auto hidden = project(replica, link, method, {}, 100).value();
    EXPECT_NEAR(hidden.exchange_seconds, 3, 1e-9);
    EXPECT_NEAR(hidden.tokens_a_second, 40 * 1000 / 1003.0, 1e-6);  // the last one has no cover
    method.overlapped = false;
    EXPECT_NEAR(project(replica, link, method)->utilisation, 10.0 / 13, 1e-9);
    // A ring of four sends 1.5 times the payload, in six hops.
    method.ring = true;
    const LinkModel far{.bits_a_second = 8e6, .round_trip_seconds = 0.1, .lost_packets = 0.01};
    EXPECT_NEAR(project(replica, far, method)->exchange_seconds, 1.5 / 0.99 + 0.3 + 0.1, 1e-9);
}

TEST(Projection, a_run_goes_on_while_replicas_come_and_go) {
    auto replica = dilocox_replica();
    replica.replicas = 16;
    const MethodModel ours{
        .local_steps = 125, .payload_bytes = 0.0284, .overlapped = true, .ring = false};
    const ChurnModel churn{.lost_a_round = 0.01, .grace_seconds = 60, .restart_seconds = 120};
    const auto quiet = project(replica, kGigabit, ours).value();
    const auto busy = project(replica, kGigabit, ours, churn).value();
    EXPECT_LT(busy.utilisation, quiet.utilisation);
    EXPECT_GT(busy.utilisation, 0.85);
    // With everybody lost now and then it still ends.
    replica.replicas = 2;
    const auto rough = project(replica, kGigabit, ours, {.lost_a_round = 0.5});
    EXPECT_GT(rough->utilisation, 0);
    EXPECT_LT(rough->utilisation, busy.utilisation);
}

TEST(Projection, the_same_seed_gives_the_same_history) {
    const ChurnModel churn{.lost_a_round = 0.1};
    const auto of = [&](std::uint64_t seed) {
        return project(dilocox_replica(), kGigabit, {.local_steps = 10}, churn, 100, seed)
            ->tokens_a_second;
    };
    EXPECT_EQ(of(1), of(1));
    EXPECT_NE(of(1), of(2));
}

TEST(Projection, refuses_what_is_no_run) {
    EXPECT_FALSE(project({}, kGigabit, {}).ok());
    EXPECT_FALSE(project(dilocox_replica(), {}, {}).ok());
    EXPECT_FALSE(project(dilocox_replica(), kGigabit, {.local_steps = 0}).ok());
    EXPECT_FALSE(project(dilocox_replica(), kGigabit, {}, {.lost_a_round = 1}).ok());
    EXPECT_FALSE(project(dilocox_replica(), kGigabit, {}, {}, 0).ok());
}

}  // namespace
}  // namespace mutirao::train
