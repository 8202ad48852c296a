// A deterministic Random for tests, the simulator and anything that must replay from a seed.
// Not for secrets.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/ports.hpp"

namespace mutirao {

// SplitMix64 (Steele, Lea, Flood 2014): same seed, same bytes, on every machine.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(MutableByteSpan out) override;

  private:
    std::mutex mutex_;  // guards state_
    std::uint64_t state_;
};

}  // namespace mutirao
