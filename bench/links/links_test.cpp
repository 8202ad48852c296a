// The simulated link and the real line are the same model: over both, equal transfers take equal
// time, within what TCP needs to fill a link.
#include <algorithm>
#include <gtest/gtest.h>

#include "links/transfer.hpp"

namespace mutirao::bench {
namespace {

constexpr std::uint64_t kSeed = 7;

double last(const std::vector<double>& times) {
    return *std::max_element(times.begin(), times.end());
}

double simulated(const LinkShape& shape, std::uint32_t ends, double bytes) {
    ShapedNetwork network(ends, shape, kSeed);
    return last(all_gather(network, std::vector<double>(ends, 0), bytes));
}

// A machine where no namespace can be made says so in words.
#define LINE_OR_SKIP(line, ends, shape)                     \
    auto line##_made = RealLine::start(ends, shape, kSeed); \
    if (!line##_made.ok()) {                                \
        GTEST_SKIP() << line##_made.error().message;        \
    }                                                       \
    const auto line = std::move(line##_made).value();

TEST(ShapedNetwork, takes_the_time_of_the_bits_and_the_delay) {
    const LinkShape shape{8e6, 8e6, 0.02, 0};
    ShapedNetwork network(2, shape, kSeed);
    // 1,000 packets of 1,460 bytes, one link after the other for the last one.
    const auto done = network.deliver({{0, 1, 1.4e6, 0}});
    EXPECT_NEAR(done[0], 1.46 + 0.02 + 0.00146, 1e-6);
}

TEST(ShapedNetwork, an_uplink_is_shared_by_what_is_ready) {
    ShapedNetwork network(3, {8e6, 8e6, 0, 0}, kSeed);
    const auto done = network.deliver({{0, 1, 1.4e6, 0}, {0, 2, 1.4e6, 0}});
    EXPECT_NEAR(done[0], 2.92, 0.01);
    EXPECT_NEAR(done[1], 2.92, 0.01);
}

TEST(ShapedNetwork, lost_packets_are_sent_again_and_cost_their_bits) {
    ShapedNetwork network(2, {8e6, 8e6, 0.02, 0.1}, kSeed);
    const auto done = network.deliver({{0, 1, 1.4e6, 0}});
    EXPECT_GT(done[0], 1.46 * 1.05);
    EXPECT_LT(done[0], 1.46 * 1.20 + 0.2);
}

TEST(RealLine, has_the_round_trip_of_its_shape) {
    LINE_OR_SKIP(line, 2, (LinkShape{50e6, 50e6, 0.015, 0}));
    const auto trip = real_round_trip(*line, 40);  // a busy machine makes most of them longer
    ASSERT_TRUE(trip.ok()) << trip.error().message;
    EXPECT_GE(*trip, 0.030);
    EXPECT_LE(*trip, 0.036);
}

TEST(RealLine, loses_the_share_of_its_shape) {
    LINE_OR_SKIP(line, 2, (LinkShape{20e6, 20e6, 0.002, 0.02}));
    ASSERT_TRUE(real_all_gather(*line, 2, 1'000'000).ok());
    const auto counts = line->counts();
    const double share =
        static_cast<double>(counts.lost) / static_cast<double>(counts.lost + counts.carried);
    EXPECT_GT(share, 0.008);
    EXPECT_LT(share, 0.035);
}

// Of three shapes TCP and the simulation make the same, within -15 and +40 %. A busy machine makes
// the real one longer, so the best of ten tries counts.
TEST(RealLine, takes_what_the_simulated_link_says) {
    struct Case {
        LinkShape shape;
        std::uint32_t ends;
        std::size_t bytes;  // to each
    };
    constexpr int kTries = 10;
    constexpr double kAtMost = 1.4, kAtLeast = 0.85;
    for (const auto& [shape, ends, bytes] :
         {Case{{4e6, 4e6, 0.01, 0}, 3, 250'000}, Case{{1e6, 1e6, 0.025, 0.001}, 2, 150'000},
          Case{{10e6, 10e6, 0.005, 0}, 2, 1'000'000}}) {
        LINE_OR_SKIP(line, ends, shape);
        const double expected = simulated(shape, ends, static_cast<double>(bytes));
        double least = 1e9;
        for (int i = 0; i < kTries && least > kAtMost; ++i) {
            const auto real = real_all_gather(*line, ends, bytes);
            ASSERT_TRUE(real.ok()) << real.error().message;
            least = std::min(least, last(*real) / expected);
        }
        EXPECT_GT(least, kAtLeast) << shape.up_bits << " bit/s";
        EXPECT_LT(least, kAtMost) << shape.up_bits << " bit/s";
    }
}

}  // namespace
}  // namespace mutirao::bench
