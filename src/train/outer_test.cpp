#include "train/outer.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "train/error_feedback.hpp"

namespace mutirao::train {
namespace {

TEST(OuterOptimizer, without_momentum_is_plain_descent) {
    OuterOptimizer outer(2, {.learning_rate = 0.5f, .momentum = 0});
    std::vector<float> parameters{1, 2};
    for (int i = 0; i < 2; ++i) outer.step(parameters, std::vector<float>{0.5f, -1});
    EXPECT_EQ(parameters, (std::vector<float>{0.5f, 3}));
}

TEST(OuterOptimizer, looks_ahead_as_nesterov_does) {
    // By hand, rate 1, momentum 1/2, mean 1 then 0:
    // m = 1, step 1 + 1/2; then m = 1/2, step 0 + 1/4.
    OuterOptimizer outer(1, {.learning_rate = 1, .momentum = 0.5f});
    std::vector<float> parameters{0};
    outer.step(parameters, std::vector<float>{1});
    EXPECT_EQ(parameters[0], -1.5f);
    outer.step(parameters, std::vector<float>{0});
    EXPECT_EQ(parameters[0], -1.75f);
}

TEST(OuterSettings, refuse_rates_outside_of_their_limits) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(OuterSettings{}.validate().ok());
    for (const OuterSettings settings :
         {OuterSettings{0, 0.5f}, OuterSettings{11, 0.5f}, OuterSettings{nan, 0.5f},
          OuterSettings{1, 1}, OuterSettings{1, -0.1f}, OuterSettings{1, nan}})
        EXPECT_EQ(settings.validate().error().kind, ErrorKind::invalid_argument);
}

TEST(StateHash, changes_with_any_bit_of_any_parameter) {
    std::vector<float> parameters(100, 1);
    const auto before = state_hash(parameters);
    EXPECT_EQ(state_hash(parameters), before);
    parameters[99] = std::nextafter(1.0f, 2.0f);
    EXPECT_NE(state_hash(parameters), before);
    parameters[99] = 1;
    parameters[0] = -1;
    EXPECT_NE(state_hash(parameters), before);
}

TEST(ErrorFeedback, gives_back_what_the_codec_dropped) {
    ErrorFeedback feedback(2, 0.5f);
    std::vector<float> delta{1, 2};
    feedback.compensate(delta);
    EXPECT_EQ(delta, (std::vector<float>{1, 2}));
    feedback.keep(delta, std::vector<float>{1, 0});
    std::vector<float> next{0, 0};
    feedback.compensate(next);
    EXPECT_EQ(next, (std::vector<float>{0, 1}));  // half of the dropped 2
}

TEST(ErrorFeedback, with_decay_zero_forgets) {
    ErrorFeedback feedback(1, 0);
    feedback.keep(std::vector<float>{5}, std::vector<float>{0});
    EXPECT_EQ(feedback.error()[0], 0);
}

}  // namespace
}  // namespace mutirao::train
