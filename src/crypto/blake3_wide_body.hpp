// Messages side by side, word by word: vector v[i] holds state word i of kWidth messages, one in
// each 32-bit lane, so that the plain algorithm runs on vectors. The width is that of the registers
// of the file's instruction set. Included by blake3_wide_*.cpp only.
#pragma once

#include "crypto/blake3_wide_lanes.hpp"

namespace mutirao::crypto::blake3_detail {
namespace {

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
