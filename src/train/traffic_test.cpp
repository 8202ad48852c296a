#include "train/traffic.hpp"

#include <gtest/gtest.h>

namespace mutirao::train {
namespace {

TEST(Traffic, an_all_reduce_moves_two_bytes_a_parameter_and_step) {
    EXPECT_EQ(allreduce_bytes(0, 10), 0u);
    EXPECT_EQ(allreduce_bytes(467'584, 360), 336'660'480u);
    // 107 billion parameters, one step: 214 GB (training.md 1.2).
    EXPECT_EQ(allreduce_bytes(107'000'000'000, 1), 214'000'000'000u);
}

}  // namespace
}  // namespace mutirao::train
