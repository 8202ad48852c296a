// One pseudo-gradient from those of many workers, some of whom may lie.
//
// Always first: a pseudo-gradient longer than the median of all lengths is shortened to it, so that
// nobody outweighs the rest by size (Covenant-72B, arXiv 2603.08163, clips peers so). Honest ones
// are nearly equally long and hardly change. Of two, both keep their lengths.
//
// Every sum runs in worker order, so all peers hold the same bits. Cost: a few passes over K * N
// floats, which must fit into memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::train {

enum class Merge : std::uint8_t {
    mean = 0,
    // Value by value without the largest and the smallest fifth (Yin et al. 2018, arXiv
    // 1803.01498). For dense codecs: where most values are 0, the trimmed mean is 0.
    trimmed_mean = 1,
    // From the value-wise median, three steps of the mean of differences, each no longer than the
    // median of their lengths (CenteredClip, Karimireddy et al. 2021, arXiv 2012.10333).
    centered_clip = 2,
    // Each counts by the bytes that its worker trained on, for workers of unequal speed.
    weighted_mean = 3,
};

// At least one list, all of one size, in worker order. `weights` are for weighted_mean, one each;
// none, or all 0, weigh alike.
std::vector<float> merge(std::vector<std::vector<float>> deltas, Merge how,
                         std::span<const std::uint64_t> weights = {});

}  // namespace mutirao::train
