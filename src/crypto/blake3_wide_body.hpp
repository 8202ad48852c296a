// Messages side by side, word by word: vector v[i] holds state word i of kWidth messages, one in
// each 32-bit lane, so that the plain algorithm runs on vectors. The width is that of the registers
// of the file's instruction set. Included by blake3_wide_*.cpp only.
#pragma once

#include <algorithm>
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

// Four independent mixes step by step, which is the order in which they are fastest. Mix i takes a
// from v[i], b, c and d from the rows below, turned by Rotate, and the message words that s[2 i]
// and s[2 i + 1] name.
template <std::size_t Rotate>
[[gnu::always_inline]] inline void mix_four(Lanes v[16], const Lanes m[16], const std::uint8_t* s) {
    const auto a = [&](std::size_t i) -> Lanes& { return v[i]; };
    const auto b = [&](std::size_t i) -> Lanes& { return v[4 + (i + Rotate) % 4]; };
    const auto c = [&](std::size_t i) -> Lanes& { return v[8 + (i + 2 * Rotate) % 4]; };
    const auto d = [&](std::size_t i) -> Lanes& { return v[12 + (i + 3 * Rotate) % 4]; };
    for (std::size_t i = 0; i < 4; ++i) a(i) = a(i) + m[s[2 * i]] + b(i);
    for (std::size_t i = 0; i < 4; ++i) d(i) = rotate_right<16>(d(i) ^ a(i));
    for (std::size_t i = 0; i < 4; ++i) c(i) = c(i) + d(i);
    for (std::size_t i = 0; i < 4; ++i) b(i) = rotate_right<12>(b(i) ^ c(i));
    for (std::size_t i = 0; i < 4; ++i) a(i) = a(i) + m[s[2 * i + 1]] + b(i);
    for (std::size_t i = 0; i < 4; ++i) d(i) = rotate_right<8>(d(i) ^ a(i));
    for (std::size_t i = 0; i < 4; ++i) c(i) = c(i) + d(i);
    for (std::size_t i = 0; i < 4; ++i) b(i) = rotate_right<7>(b(i) ^ c(i));
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

// Word i of the block at `from + lane * stride` of every lane becomes m[i].
inline void load_messages(const std::uint8_t* from, std::size_t stride, Lanes m[16]) {
    for (std::size_t part = 0; part < 16; part += kWidth) {
        for (std::size_t lane = 0; lane < kWidth; ++lane)
            m[part + lane] = load_lanes(from + lane * stride + 4 * part);
        transpose(m + part);
    }
}

// The rows stand too far apart for the processor to guess where the next blocks are.
// Inlined by force: gcc takes a call that only prefetches for one without effect, and drops it.
[[gnu::always_inline]] inline void prefetch(const std::uint8_t* from, std::size_t stride) {
    for (std::size_t lane = 0; lane < kWidth; ++lane) __builtin_prefetch(from + lane * stride);
}

inline void load_messages(const std::uint8_t* const inputs[], std::size_t offset, Lanes m[16]) {
    for (std::size_t part = 0; part < 16; part += kWidth) {
        for (std::size_t lane = 0; lane < kWidth; ++lane)
            m[part + lane] = load_lanes(inputs[lane] + offset + 4 * part);
        transpose(m + part);
    }
}

template <std::size_t Round>
[[gnu::always_inline]] inline void one_round(Lanes v[16], const Lanes m[16]) {
    constexpr auto& s = kSchedule[Round];
    mix_four<0>(v, m, s.data());
    mix_four<1>(v, m, s.data() + 8);
}

// What tells one lane's compression from another's, beside its message.
struct Counters {
    Lanes low, high;
};

inline Counters same_counter(std::uint64_t counter) {
    return {Lanes{} + static_cast<std::uint32_t>(counter),
            Lanes{} + static_cast<std::uint32_t>(counter >> 32)};
}

inline Counters counters_from(std::uint64_t first, std::uint64_t step) {
    Counters out;
    for (std::size_t lane = 0; lane < kWidth; ++lane) {
        const std::uint64_t counter = first + step * lane;
        out.low[lane] = static_cast<std::uint32_t>(counter);
        out.high[lane] = static_cast<std::uint32_t>(counter >> 32);
    }
    return out;
}

// The state after the seven rounds, in registers if inlined (a call costs half the speed); its
// halves are still to be combined.
[[gnu::always_inline]] inline void permute(const Lanes h[8], const Lanes m[16],
                                           const Counters& counter, std::uint32_t block_size,
                                           std::uint32_t flags, Lanes v[16]) {
    const Lanes zero{};
    for (std::size_t i = 0; i < 8; ++i) v[i] = h[i];
    for (std::size_t i = 0; i < 4; ++i) v[8 + i] = zero + kInitial[i];
    v[12] = counter.low;
    v[13] = counter.high;
    v[14] = zero + block_size;
    v[15] = zero + flags;
    one_round<0>(v, m);
    one_round<1>(v, m);
    one_round<2>(v, m);
    one_round<3>(v, m);
    one_round<4>(v, m);
    one_round<5>(v, m);
    one_round<6>(v, m);
}

[[gnu::always_inline]] inline void compress_block(Lanes h[8], const Lanes m[16],
                                                  const Counters& counter, std::uint32_t flags) {
    Lanes v[16];
    permute(h, m, counter, kBlockSize, flags, v);
    for (std::size_t i = 0; i < 8; ++i) h[i] = v[i] ^ v[i + 8];
}

// kWidth lanes, the first of which is lane `first` of the job.
inline void compress_group(const std::uint8_t* const inputs[], const WideJob& job,
                           std::size_t first, ChainingValue out[]) {
    Lanes h[8];
    for (std::size_t i = 0; i < 8; ++i) h[i] = Lanes{} + job.key[i];
    const auto counter = counters_from(job.counter + job.counter_step * first, job.counter_step);
    for (std::size_t block = 0; block < job.blocks; ++block) {
        Lanes m[16];
        load_messages(inputs, block * kBlockSize, m);
        std::uint32_t flags = job.flags;
        if (block == 0) flags |= job.first_flags;
        if (block + 1 == job.blocks) flags |= job.last_flags;
        compress_block(h, m, counter, flags);
    }
    for (std::size_t lane = 0; lane < kWidth; ++lane)
        for (std::size_t i = 0; i < 8; ++i) out[lane][i] = h[i][lane];
}

void messages(const std::uint8_t* const inputs[kLanes], const WideJob& job,
              ChainingValue out[kLanes]) {
    for (std::size_t first = 0; first < job.lanes; first += kWidth)
        compress_group(inputs + first, job, first, out + first);
}

void rows(const RowsJob& job, LaneValues values) {
    const auto counter = same_counter(job.counter);
    for (std::size_t first = 0; first < kLanes; first += kWidth) {
        Lanes h[8];
        for (std::size_t i = 0; i < 8; ++i) h[i] = load_lanes(values[i] + first);
        for (std::size_t block = 0; block < job.blocks; ++block) {
            Lanes m[16];
            const auto* from = job.rows + first * job.stride + block * kBlockSize;
            load_messages(from, job.stride, m);
            if (block + 1 < job.blocks) prefetch(from + kBlockSize, job.stride);
            std::uint32_t flags = job.flags;
            if (block == 0) flags |= job.first_flags;
            if (block + 1 == job.blocks) flags |= job.last_flags;
            compress_block(h, m, counter, flags);
        }
        for (std::size_t i = 0; i < 8; ++i) store_lanes(values[i] + first, h[i]);
    }
}

// The children are words of lanes already, so nothing is transposed.
void parents(const ChainingValue& key, std::uint32_t flags, const LaneValues left,
             const LaneValues right, LaneValues out) {
    const auto none = same_counter(0);
    for (std::size_t first = 0; first < kLanes; first += kWidth) {
        Lanes h[8], m[16];
        for (std::size_t i = 0; i < 8; ++i) {
            h[i] = Lanes{} + key[i];
            m[i] = load_lanes(left[i] + first);
            m[8 + i] = load_lanes(right[i] + first);
        }
        compress_block(h, m, none, flags);
        for (std::size_t i = 0; i < 8; ++i) store_lanes(out[i] + first, h[i]);
    }
}

// One message in every lane: only the counter differs.
void outputs(const OutputJob& job, std::uint8_t* out) {
    Lanes h[8], m[16];
    for (std::size_t i = 0; i < 8; ++i) h[i] = Lanes{} + job.chaining[i];
    for (std::size_t i = 0; i < 16; ++i) m[i] = Lanes{} + job.message[i];
    for (std::size_t first = 0; first < kLanes; first += kWidth) {
        Lanes v[16];
        permute(h, m, counters_from(job.counter + first, 1), job.block_size, job.flags, v);
        for (std::size_t i = 0; i < 8; ++i) {
            v[i] ^= v[i + 8];
            v[i + 8] ^= h[i];
        }
        for (std::size_t part = 0; part < 16; part += kWidth) {
            transpose(v + part);
            for (std::size_t lane = 0; lane < kWidth; ++lane)
                store_lanes(out + (first + lane) * kBlockSize + 4 * part, v[part + lane]);
        }
    }
}

}  // namespace
}  // namespace mutirao::crypto::blake3_detail
