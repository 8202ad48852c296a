#include "base/random.hpp"

namespace mutirao {

void SeededRandom::fill(MutableByteSpan out) {
    const std::lock_guard lock(mutex_);
    std::size_t done = 0;
    while (done < out.size()) {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        for (int i = 0; i < 8 && done < out.size(); ++i, z >>= 8)
            out[done++] = static_cast<std::uint8_t>(z);
    }
}

}  // namespace mutirao
