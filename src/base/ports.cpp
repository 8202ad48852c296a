#include "base/ports.hpp"

namespace mutirao {

std::uint64_t Random::next_u64() {
    std::uint64_t value = 0;
    std::uint8_t raw[sizeof(value)];
    fill(raw);
    std::memcpy(&value, raw, sizeof(value));
    return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
    ENSURE(bound > 0);
    // Rejection keeps the result uniform: values under 2^64 mod bound are drawn again.
    const std::uint64_t reject_under = (0 - bound) % bound;
    for (;;) {
        const std::uint64_t value = next_u64();
        if (value >= reject_under) return value % bound;
    }
}

}  // namespace mutirao
