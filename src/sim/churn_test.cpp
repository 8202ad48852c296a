#include "sim/churn.hpp"

#include <gtest/gtest.h>

namespace mutirao::sim {
namespace {

using namespace std::chrono_literals;

ChurnReport simulated(const ChurnSettings& settings) {
    auto report = simulate_churn(settings);
    EXPECT_TRUE(report.ok());
    return report.ok() ? *report : ChurnReport();
}

void expect_goes_on(const ChurnReport& report, std::uint64_t seed) {
    EXPECT_TRUE(report.finished) << "seed " << seed << ": " << report.trouble;
    EXPECT_TRUE(report.identical) << "seed " << seed;
    EXPECT_EQ(report.trouble, "") << "seed " << seed;
}

TEST(Churn, without_faults_every_payload_counts_and_only_exchange_costs_time) {
    const auto report = simulated({.killed = 0, .cut_off = 0});
    expect_goes_on(report, 1);
    EXPECT_EQ(report.left_out, 0u);
    EXPECT_EQ(report.healed, 0u);
    EXPECT_GT(report.utilisation, 0.85);
    EXPECT_LT(report.utilisation, 1);
}

// One in ten workers is lost in ten rounds; half of the seeds' workers stay away so long that they
// have to heal.
class ChurnSeeds : public testing::TestWithParam<int> {};

TEST_P(ChurnSeeds, no_seed_of_fifty_stops_the_run_or_parts_its_workers) {
    constexpr int kSeeds = 50;
    double utilisation = 0;
    std::uint32_t killed = 0, healed = 0;
    for (int seed = GetParam() * kSeeds; seed < (GetParam() + 1) * kSeeds; ++seed) {
        ChurnSettings settings{.seed = static_cast<std::uint64_t>(seed)};
        settings.workers = 10;
        settings.rounds = 20;
        settings.quorum = 6;
        if (seed % 2 == 0) settings.down = 400s;
        const auto report = simulated(settings);
        expect_goes_on(report, settings.seed);
        utilisation += report.utilisation / kSeeds;
        killed += report.killed;
        healed += report.healed;
    }
    EXPECT_GT(killed, 30u);
    EXPECT_GT(healed, 0u);
    EXPECT_GT(utilisation, 0.85);
    RecordProperty("utilisation_ppm", static_cast<int>(utilisation * 1e6));
}

INSTANTIATE_TEST_SUITE_P(TwoHundred, ChurnSeeds, testing::Range(0, 4));

TEST(Churn, few_workers_heavy_losses_and_a_delayed_schedule_go_on) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        ChurnSettings settings{.seed = seed, .workers = 5, .rounds = 20, .quorum = 2};
        settings.schedule = seed % 2 == 0 ? train::Schedule::delay_keep : train::Schedule::sync;
        settings.killed = 0.08;
        settings.cut_off = 0.04;
        settings.slowest = 3;
        expect_goes_on(simulated(settings), seed);
    }
}

TEST(Churn, a_very_slow_worker_does_fewer_steps_and_is_not_waited_for) {
    const ChurnSettings even{.killed = 0, .cut_off = 0};
    auto uneven = even;
    uneven.slowest = 8;
    const auto fast = simulated(even), slow = simulated(uneven);
    expect_goes_on(slow, 1);
    EXPECT_LT(slow.took, fast.took * 5);  // not eight times
}

TEST(Churn, the_same_seed_gives_the_same_run) {
    const auto a = simulated({.seed = 7, .rounds = 20}), b = simulated({.seed = 7, .rounds = 20});
    EXPECT_EQ(a.took, b.took);
    EXPECT_EQ(a.utilisation, b.utilisation);
    EXPECT_EQ(a.left_out, b.left_out);
}

}  // namespace
}  // namespace mutirao::sim
