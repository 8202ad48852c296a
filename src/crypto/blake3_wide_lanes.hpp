// Registers of 32-bit lanes, as wide as the file's instruction set has them, and how words get into
// them: loads, rotations, and a transposition. Included by blake3_wide_body.hpp only.
#pragma once

#include <utility>

#include "crypto/blake3_compress.hpp"

namespace mutirao::crypto::blake3_detail {
namespace {

#if defined(__AVX512F__)
constexpr std::size_t kWidth = 16;
#elif defined(__AVX2__)
constexpr std::size_t kWidth = 8;
#else
constexpr std::size_t kWidth = 4;
#endif

typedef std::uint32_t Lanes __attribute__((vector_size(4 * kWidth)));
typedef Lanes LanesAnywhere __attribute__((aligned(1), may_alias));
typedef std::uint64_t LanePairs __attribute__((vector_size(4 * kWidth)));
typedef std::uint8_t LaneBytes __attribute__((vector_size(4 * kWidth)));

template <int Bits>
inline Lanes rotate_right(Lanes v) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    // A byte shuffle is one instruction where shifts are three.
    if constexpr (Bits % 8 == 0) {
        const auto bytes = reinterpret_cast<LaneBytes>(v);
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return reinterpret_cast<Lanes>(__builtin_shufflevector(
                bytes, bytes, static_cast<int>(I / 4 * 4 + (I + Bits / 8) % 4)...));
        }
        (std::make_index_sequence<4 * kWidth>{});
    }
#endif
    return v >> Bits | v << (32 - Bits);
}

// Picks lane `from(i)` of a and b one after the other (b's lanes count from kWidth) for every i.
template <class From>
inline Lanes pick(const Lanes& a, const Lanes& b, From) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return __builtin_shufflevector(a, b, From{}(static_cast<int>(I))...);
    }
    (std::make_index_sequence<kWidth>{});
}

// Interleaves, inside every 128-bit part, the low (High = 0) or high half of a and b in units of
// Unit words. Pairs are named as 64-bit lanes, for which the compiler finds the one instruction.
template <int Unit, int High>
inline Lanes interleave(const Lanes& a, const Lanes& b) {
    if constexpr (Unit == 2) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return reinterpret_cast<Lanes>(__builtin_shufflevector(
                reinterpret_cast<LanePairs>(a), reinterpret_cast<LanePairs>(b),
                static_cast<int>(I / 2 * 2 + High + I % 2 * (kWidth / 2))...));
        }
        (std::make_index_sequence<kWidth / 2>{});
    } else {
        return pick(a, b, [](int i) {
            constexpr int width = static_cast<int>(kWidth);
            return i / 4 * 4 + High * 2 + i % 4 / 2 + (i % 2) * width;
        });
    }
}

// Parts P and P + Step of a, then of b (128-bit parts).
template <int P, int Step>
inline Lanes parts(const Lanes& a, const Lanes& b) {
    return pick(a, b, [](int i) {
        constexpr int width = static_cast<int>(kWidth), half = width / 2;
        return i / half * width + (P + i % half / 4 * Step) * 4 + i % 4;
    });
}

// Transposes kWidth x kWidth words, with shuffles that are one instruction each.
[[gnu::always_inline]] inline void transpose(Lanes r[kWidth]) {
    for (std::size_t i = 0; i < kWidth; i += 4) {
        const Lanes a = interleave<1, 0>(r[i], r[i + 1]), b = interleave<1, 1>(r[i], r[i + 1]);
        const Lanes c = interleave<1, 0>(r[i + 2], r[i + 3]);
        const Lanes d = interleave<1, 1>(r[i + 2], r[i + 3]);
        r[i] = interleave<2, 0>(a, c);
        r[i + 1] = interleave<2, 1>(a, c);
        r[i + 2] = interleave<2, 0>(b, d);
        r[i + 3] = interleave<2, 1>(b, d);
    }
    // Part p of r[4 g + k] is now word 4 p + k of rows 4 g .. 4 g + 3: transpose the parts.
    for (std::size_t k = 0; k < 4; ++k) {
        if constexpr (kWidth == 8) {
            const Lanes low = parts<0, 1>(r[k], r[4 + k]);
            r[4 + k] = parts<1, 1>(r[k], r[4 + k]);
            r[k] = low;
        } else if constexpr (kWidth == 16) {
            const Lanes a = parts<0, 1>(r[k], r[4 + k]), b = parts<2, 1>(r[k], r[4 + k]);
            const Lanes c = parts<0, 1>(r[8 + k], r[12 + k]), d = parts<2, 1>(r[8 + k], r[12 + k]);
            r[k] = parts<0, 2>(a, c);
            r[4 + k] = parts<1, 2>(a, c);
            r[8 + k] = parts<0, 2>(b, d);
            r[12 + k] = parts<1, 2>(b, d);
        }
    }
}

// Not memcpy, which gcc makes two halves of, stored apart and then read as one: the processor
// stalls.
inline Lanes load_lanes(const void* from) { return *static_cast<const LanesAnywhere*>(from); }

inline void store_lanes(void* to, const Lanes& v) { *static_cast<LanesAnywhere*>(to) = v; }

}  // namespace
}  // namespace mutirao::crypto::blake3_detail
