#include "train/privacy.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "base/random.hpp"

namespace mutirao::train {
namespace {

// PyPI dp-accounting 0.6.0, RdpAccountant with its default orders: GaussianDpEvent,
// Poisson-sampled where share < 1. It leaves out orders at which its series do not converge; where
// the best order is among them, its bound is looser (13.965, 7.754), and what stands here is the
// moment's integral by quadrature (scipy) at our orders.
TEST(PrivacyAccountant, agrees_with_googles_and_with_the_integral) {
    const struct {
        double share, noise;
        std::uint64_t times;
        double delta, epsilon;
    } kKnown[] = {
        {1, 1, 1, 1e-5, 4.728507067217623},
        {1, 4, 100, 1e-5, 14.132226163159334},
        {1, 0.8, 10, 1e-6, 27.38482163001636},
        {0.01, 4, 10000, 1e-5, 1.0354900660362436},
        {0.01, 1.1, 2000, 1e-5, 2.3809348224691638},
        {0.1, 0.7, 50, 1e-6, 13.93795165638862},
        {0.5, 2, 30, 1e-5, 7.738968014188707},
        {256.0 / 60000, 1.1, 14062, 1e-5, 2.5965558697943036},  // MNIST in many papers
    };
    for (const auto& known : kKnown) {
        PrivacyAccountant accountant;
        accountant.add(known.noise, known.share, known.times);
        EXPECT_NEAR(accountant.epsilon(known.delta), known.epsilon, 1e-6 * known.epsilon)
            << known.share << " " << known.noise;
    }
}

TEST(PrivacyAccountant, adds_up_and_knows_both_ends) {
    PrivacyAccountant once, twice;
    EXPECT_EQ(once.epsilon(1e-5), 0);
    once.add(2, 0.1, 10);
    for (int i = 0; i < 10; ++i) twice.add(2, 0.1, 1);
    EXPECT_NEAR(once.epsilon(1e-5), twice.epsilon(1e-5), 1e-12);
    EXPECT_LT(once.epsilon(1e-4), once.epsilon(1e-6));
    once.add(0, 1, 1);
    EXPECT_EQ(once.epsilon(1e-5), std::numeric_limits<double>::infinity());
    EXPECT_EQ(epsilon_after({}, 100), 0);
    EXPECT_EQ(epsilon_after({.clip = 1, .noise = 1}, 0), 0);
    EXPECT_NEAR(epsilon_after({.clip = 3, .noise = 4}, 100), 14.132226, 1e-4);
}

TEST(Privacy, clips_to_the_length_and_leaves_what_is_shorter) {
    std::vector<float> values{3, 4};
    clip_length(values, 5.01f);
    EXPECT_EQ(values, (std::vector<float>{3, 4}));
    clip_length(values, 2.5f);
    EXPECT_NEAR(values[0], 1.5f, 1e-4f);
    EXPECT_LE(std::hypot(values[0], values[1]), 2.5f);
}

TEST(Privacy, noise_is_gaussian_of_the_wanted_deviation) {
    SeededRandom random(1);
    std::vector<float> values(100001, 1.0f);
    add_gaussian_noise(values, 3, random);
    double sum = 0, squares = 0, fourth = 0;
    for (const float value : values) {
        const double z = (static_cast<double>(value) - 1) / 3;
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    const auto n = static_cast<double>(values.size());
    EXPECT_NEAR(sum / n, 0, 0.02);
    EXPECT_NEAR(squares / n, 1, 0.03);
    EXPECT_NEAR(fourth / n, 3, 0.25);
}

}  // namespace
}  // namespace mutirao::train
