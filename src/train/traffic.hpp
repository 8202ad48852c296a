// What the exchange costs, beside what plain data parallelism would have cost.
#pragma once

#include <cstdint>

namespace mutirao::train {

// Bytes that one worker uploads when every inner step all-reduces bf16 gradients: 2 bytes a
// parameter and step (a ring sends 2 * (K - 1) / K times that; the smaller figure is used). One
// direction, no framing; compare it with one payload a round to one peer.
constexpr std::uint64_t allreduce_bytes(std::uint64_t parameters, std::uint64_t steps) {
    return 2 * parameters * steps;
}

}  // namespace mutirao::train
