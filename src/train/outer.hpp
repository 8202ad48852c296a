// The outer optimizer of DiLoCo (Douillard et al. 2023, arXiv 2311.08105): SGD with Nesterov
// momentum on the mean of all workers' pseudo-gradients. Every operation runs in one fixed order,
// so that all peers hold bit-identical parameters; state_hash() checks that each round.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::train {

struct OuterSettings {
    float learning_rate = 0.7f;
    float momentum = 0.5f;  // 0.9 diverges in runs of few rounds (training.md 2.1)

    bool operator==(const OuterSettings&) const = default;
    Status validate() const;
};

// One thread at a time.
class OuterOptimizer {
  public:
    OuterOptimizer(std::size_t parameters, const OuterSettings& settings);

    // parameters -= learning_rate * (mean + momentum * m), m = momentum * m + mean.
    void step(std::span<float> parameters, std::span<const float> mean);

    std::span<const float> momentum() const { return momentum_; }
    // Goes on where another one was; as many values as parameters.
    void set_momentum(std::span<const float> momentum);

  private:
    std::vector<float> momentum_;
    OuterSettings settings_;
};

// Keyed BLAKE3 of the parameters as little-endian float32.
Digest state_hash(std::span<const float> parameters);

}  // namespace mutirao::train
