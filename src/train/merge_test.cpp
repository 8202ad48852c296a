#include "train/merge.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::train {
namespace {

// Five honest workers near (1, -1, 1, -1, ...), and a liar whom `lie` makes.
template <class Lie>
std::vector<std::vector<float>> with_liar(Lie lie) {
    SeededRandom random(1);
    std::vector<std::vector<float>> deltas(6, std::vector<float>(1000));
    for (std::size_t k = 0; k < 6; ++k)
        for (std::size_t i = 0; i < 1000; ++i) {
            const float honest =
                (i % 2 ? -1.0f : 1.0f) + (static_cast<float>(random.below(2001)) / 1000 - 1) * 0.3f;
            deltas[k][i] = k == 2 ? lie(honest) : honest;
        }
    return deltas;
}

double error(const std::vector<float>& merged) {
    double sum = 0;
    for (std::size_t i = 0; i < merged.size(); ++i)
        sum += std::pow(merged[i] - (i % 2 ? -1.0 : 1.0), 2);
    return std::sqrt(sum / static_cast<double>(merged.size()));
}

TEST(Merge, of_one_or_two_is_their_plain_mean) {
    for (const auto how : {Merge::mean, Merge::trimmed_mean, Merge::centered_clip}) {
        EXPECT_EQ(merge({{1, 2, 3}}, how), (std::vector<float>{1, 2, 3}));
        EXPECT_EQ(merge({{1, 2}, {3, -4}}, Merge::mean), (std::vector<float>{2, -1}));
    }
}

TEST(Merge, nobody_outweighs_the_rest_by_size) {
    const auto huge = with_liar([](float honest) { return -1e6f * honest; });
    // One in six against five: two thirds of the way at worst, whatever its size.
    EXPECT_LT(error(merge(huge, Merge::mean)), 0.4);
    EXPECT_LT(error(merge(huge, Merge::trimmed_mean)), 0.2);
    EXPECT_LT(error(merge(huge, Merge::centered_clip)), 0.2);
}

TEST(Merge, robust_forms_stay_nearer_to_the_honest_under_an_inverted_sign) {
    const auto inverted = with_liar([](float honest) { return -honest; });
    const double plain = error(merge(inverted, Merge::mean));
    EXPECT_GT(plain, 0.3);
    EXPECT_LT(error(merge(inverted, Merge::trimmed_mean)), plain / 2);
    EXPECT_LT(error(merge(inverted, Merge::centered_clip)), plain / 2);
}

TEST(Merge, honest_workers_lose_little_in_every_form) {
    const auto honest = with_liar([](float value) { return value; });
    for (const auto how : {Merge::mean, Merge::trimmed_mean, Merge::centered_clip})
        EXPECT_LT(error(merge(honest, how)), 0.1);
}

TEST(Merge, the_weighted_mean_counts_each_by_its_work) {
    const std::vector<std::vector<float>> deltas{{1, 0}, {0, 1}};
    const std::vector<std::uint64_t> work{300, 100}, none{0, 0};
    EXPECT_EQ(merge(deltas, Merge::weighted_mean, work), (std::vector<float>{0.75f, 0.25f}));
    EXPECT_EQ(merge(deltas, Merge::weighted_mean, none), (std::vector<float>{0.5f, 0.5f}));
    EXPECT_EQ(merge(deltas, Merge::mean, work), (std::vector<float>{0.5f, 0.5f}));
}

}  // namespace
}  // namespace mutirao::train
