#include "model/flush_denormals.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace mutirao::model {
namespace {

// Not known to the compiler, so that it computes them when it runs.
float half_of_the_smallest() {
    volatile float smallest = std::numeric_limits<float>::min();
    volatile float half = 0.5f;
    return smallest * half;
}

TEST(FlushDenormals, are_zero_while_it_lives_and_numbers_again_after) {
    EXPECT_GT(half_of_the_smallest(), 0.0f);
#if defined(__x86_64__) || defined(__aarch64__)
    {
        const FlushDenormals flush;
        EXPECT_EQ(half_of_the_smallest(), 0.0f);
        {
            const FlushDenormals again;
            EXPECT_EQ(half_of_the_smallest(), 0.0f);
        }
        EXPECT_EQ(half_of_the_smallest(), 0.0f);
    }
#endif
    EXPECT_GT(half_of_the_smallest(), 0.0f);
}

}  // namespace
}  // namespace mutirao::model
