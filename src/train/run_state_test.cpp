#include "train/run_state.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace mutirao::train {
namespace {

RunState sample() {
    RunState state;
    state.run.bytes.fill(7);
    state.round = 5;
    state.applied = 4;
    state.bases.resize(1);
    state.bases[0].bytes.fill(9);
    state.shared = {1, -2, 3.5f};
    state.momentum = {0, 0.25f, -1};
    return state;
}

TEST(RunState, round_trips) {
    const auto state = sample();
    EXPECT_EQ(decode_run_state(encode_run_state(state)).value(), state);
}

TEST(RunState, refuses_every_cut_and_every_longer_one) {
    auto bytes = encode_run_state(sample());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(decode_run_state(ByteSpan(bytes).first(size)).error().kind, ErrorKind::corrupt);
    bytes.push_back(0);
    EXPECT_FALSE(decode_run_state(bytes).ok());
}

TEST(RunState, refuses_numbers_outside_of_their_limits) {
    auto refused = [](auto change) {
        auto state = sample();
        change(state);
        return !decode_run_state(encode_run_state(state)).ok();
    };
    EXPECT_FALSE(refused([](RunState&) {}));
    EXPECT_FALSE(refused([](RunState& s) { s.applied = 3, s.bases.resize(2); }));
    EXPECT_TRUE(refused([](RunState& s) { s.applied = 2, s.bases.resize(3); }));
    EXPECT_TRUE(refused([](RunState& s) { s.round = kRoundsMax + 1, s.applied = kRoundsMax; }));
    // The end of the longest run.
    EXPECT_FALSE(refused([](RunState& s) { s.round = kRoundsMax, s.applied = kRoundsMax - 1; }));
    EXPECT_TRUE(refused([](RunState& s) { s.shared[1] = std::numeric_limits<float>::infinity(); }));
    EXPECT_TRUE(refused([](RunState& s) { s.momentum[2] = std::nanf(""); }));
    EXPECT_TRUE(refused([](RunState& s) { s.shared.clear(), s.momentum.clear(); }));
    auto bytes = encode_run_state(sample());
    bytes[0] = 2;
    EXPECT_FALSE(decode_run_state(bytes).ok());
}

}  // namespace
}  // namespace mutirao::train
