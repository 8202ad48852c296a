// Keccak-f[1600] (https://keccak.team/keccak_specs_summary.html) over lanes of any type that has
// the operators of std::uint64_t: one state, or several side by side in a vector. Internal to
// crypto.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mutirao::crypto::keccak {

inline constexpr std::size_t kRate = 136;  // bytes, of Keccak-256
inline constexpr std::size_t kLanes = 25;
inline constexpr std::size_t kSideBySide = 8;

// Eight states: lane i of each stands together.
struct alignas(64) EightStates {
    std::uint64_t lanes[kLanes][kSideBySide];
};
using PermuteEight = void (*)(EightStates&);
void permute_eight_avx512(EightStates& states);
// Null where the processor has no lanes for it.
PermuteEight permute_eight();

namespace {

// Round constants from the specification's linear feedback shift register x^8+x^6+x^5+x^4+1.
constexpr std::array<std::uint64_t, 24> kRoundConstants = [] {
    std::array<std::uint64_t, 24> out{};
    std::uint8_t shift = 1;
    for (auto& constant : out)
        for (int j = 0; j <= 6; ++j) {
            if (shift & 1) constant |= std::uint64_t{1} << ((1 << j) - 1);
            shift = static_cast<std::uint8_t>(shift << 1 ^ (shift >> 7 ? 0x71 : 0));
        }
    return out;
}();

// One walk over the 24 lanes other than (0, 0) does rho and pi: step t takes the lane at place t
// to place t + 1, rotated by t's triangular number.
struct Step {
    std::uint8_t place, rotation;
};
constexpr std::array<Step, 24> kWalk = [] {
    std::array<Step, 24> out{};
    int x = 1, y = 0;
    for (int t = 0; t < 24; ++t) {
        const int next_y = (2 * x + 3 * y) % 5;
        x = y;
        y = next_y;
        out[t] = {static_cast<std::uint8_t>(x + 5 * y),
                  static_cast<std::uint8_t>((t + 1) * (t + 2) / 2 % 64)};
    }
    return out;
}();

template <class Lane>
inline Lane rotate_left(const Lane& lane, int bits) {
    return lane << bits | lane >> (64 - bits);
}

// Every loop is unrolled and the state is a local copy, so that lanes are registers.
template <class Lane>
[[gnu::always_inline]] inline void permute(Lane (&state)[kLanes]) {
    Lane a[kLanes];
#pragma GCC unroll 25
    for (std::size_t i = 0; i < kLanes; ++i) a[i] = state[i];
    for (const auto constant : kRoundConstants) {
        Lane column[5], d[5];
#pragma GCC unroll 5
        for (int x = 0; x < 5; ++x) column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
        for (int x = 0; x < 5; ++x)
            d[x] = column[(x + 4) % 5] ^ rotate_left(column[(x + 1) % 5], 1);
#pragma GCC unroll 25
        for (int i = 0; i < 25; ++i) a[i] ^= d[i % 5];
        Lane lane = a[1];
#pragma GCC unroll 24
        for (int t = 0; t < 24; ++t) {
            const auto step = kWalk[t];
            const Lane kept = a[step.place];
            a[step.place] = rotate_left(lane, step.rotation);
            lane = kept;
        }
#pragma GCC unroll 5
        for (int row = 0; row < 25; row += 5) {
            const Lane b[5] = {a[row], a[row + 1], a[row + 2], a[row + 3], a[row + 4]};
#pragma GCC unroll 5
            for (int i = 0; i < 5; ++i) a[row + i] = b[i] ^ (~b[(i + 1) % 5] & b[(i + 2) % 5]);
        }
        a[0] ^= constant;
    }
#pragma GCC unroll 25
    for (std::size_t i = 0; i < kLanes; ++i) state[i] = a[i];
}

}  // namespace
}  // namespace mutirao::crypto::keccak
