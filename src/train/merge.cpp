#include "train/merge.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mutirao::train {

namespace {

constexpr std::size_t kTrimmedShare = 5;  // one in five from each end
constexpr std::size_t kTrimFrom = 4;      // workers; of three or fewer nothing is left out
constexpr int kClipSteps = 3;

using Delta = std::vector<float>;

double length(const Delta& delta) {
    double sum = 0;
    for (const float value : delta) sum += static_cast<double>(value) * value;
    return std::sqrt(sum);
}

// The upper one of two: nothing is shortened for being the longer of a pair.
double upper_median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

void shorten(Delta& delta, double longest) {
    const double now = length(delta);
    if (now <= longest) return;
    const auto scale = static_cast<float>(longest / now);
    for (auto& value : delta) value *= scale;
}

void clip_to_median_length(std::vector<Delta>& deltas) {
    std::vector<double> lengths;
    for (const auto& delta : deltas) lengths.push_back(length(delta));
    const double median = upper_median(lengths);
    for (auto& delta : deltas) shorten(delta, median);
}

Delta mean(const std::vector<Delta>& deltas) {
    Delta sum(deltas.front().size(), 0.0f);
    for (const auto& delta : deltas)
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += delta[i];
    const float share = 1.0f / static_cast<float>(deltas.size());
    for (auto& value : sum) value *= share;
    return sum;
}

Delta weighted(const std::vector<Delta>& deltas, std::span<const std::uint64_t> weights) {
    const auto total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
    if (weights.size() != deltas.size() || total == 0) return mean(deltas);
    Delta sum(deltas.front().size(), 0.0f);
    for (std::size_t k = 0; k < deltas.size(); ++k) {
        const auto share =
            static_cast<float>(static_cast<double>(weights[k]) / static_cast<double>(total));
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += share * deltas[k][i];
    }
    return sum;
}

// The mean of what is left of each value after `cut` on both sides.
Delta trimmed(const std::vector<Delta>& deltas, std::size_t cut) {
    Delta out(deltas.front().size());
    std::vector<float> values(deltas.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        for (std::size_t k = 0; k < deltas.size(); ++k) values[k] = deltas[k][i];
        std::sort(values.begin(), values.end());
        float sum = 0;
        for (std::size_t k = cut; k < values.size() - cut; ++k) sum += values[k];
        out[i] = sum / static_cast<float>(values.size() - 2 * cut);
    }
    return out;
}

Delta centered(const std::vector<Delta>& deltas) {
    Delta center = trimmed(deltas, (deltas.size() - 1) / 2);
    for (int step = 0; step < kClipSteps; ++step) {
        auto differences = deltas;
        for (auto& difference : differences)
            for (std::size_t i = 0; i < center.size(); ++i) difference[i] -= center[i];
        clip_to_median_length(differences);
        const auto shift = mean(differences);
        for (std::size_t i = 0; i < center.size(); ++i) center[i] += shift[i];
    }
    return center;
}

}  // namespace

std::vector<float> merge(std::vector<std::vector<float>> deltas, Merge how,
                         std::span<const std::uint64_t> weights) {
    ENSURE(!deltas.empty());
    clip_to_median_length(deltas);
    if (how == Merge::trimmed_mean && deltas.size() >= kTrimFrom)
        return trimmed(deltas, std::max<std::size_t>(1, deltas.size() / kTrimmedShare));
    if (how == Merge::centered_clip) return centered(deltas);
    if (how == Merge::weighted_mean) return weighted(deltas, weights);
    return mean(deltas);
}

}  // namespace mutirao::train
