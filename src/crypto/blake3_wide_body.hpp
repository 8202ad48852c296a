// Sixteen chunks side by side, word by word, in a vector type of sixteen 32-bit lanes that the
// compiler maps to whatever the file's instruction set has. Included by blake3_wide_*.cpp only.
#pragma once

#include "crypto/blake3_compress.hpp"

namespace mutirao::crypto::blake3_detail {
namespace {

typedef std::uint32_t Lanes __attribute__((vector_size(64), aligned(64)));

#define MUTIRAO_ROTATE(v, n) (((v) >> (n)) | ((v) << (32 - (n))))
#define MUTIRAO_G(a, b, c, d, x, y)    \
    do {                               \
        a = a + b + (x);               \
        d = MUTIRAO_ROTATE(d ^ a, 16); \
        c = c + d;                     \
        b = MUTIRAO_ROTATE(b ^ c, 12); \
        a = a + b + (y);               \
        d = MUTIRAO_ROTATE(d ^ a, 8);  \
        c = c + d;                     \
        b = MUTIRAO_ROTATE(b ^ c, 7);  \
    } while (false)

// Word w of block `block` of every chunk.
inline void load_messages(const std::uint8_t* input, std::size_t block, Lanes m[16]) {
    alignas(64) std::uint32_t words[16][kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        std::uint32_t chunk[16];
        __builtin_memcpy(chunk, input + lane * kChunkSize + block * kBlockSize, kBlockSize);
        for (std::size_t w = 0; w < 16; ++w) words[w][lane] = chunk[w];
    }
    __builtin_memcpy(m, words, sizeof(words));
}

inline void hash_sixteen_body(const std::uint8_t* input, const ChainingValue& key,
                              std::uint64_t counter, std::uint32_t flags,
                              ChainingValue out[kLanes]) {
    const Lanes zero{};
    Lanes h[8];
    for (std::size_t i = 0; i < 8; ++i) h[i] = zero + key[i];
    Lanes counter_low, counter_high;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        counter_low[lane] = static_cast<std::uint32_t>(counter + lane);
        counter_high[lane] = static_cast<std::uint32_t>((counter + lane) >> 32);
    }
    for (std::size_t block = 0; block < kChunkSize / kBlockSize; ++block) {
        Lanes m[16];
        load_messages(input, block, m);
        std::uint32_t block_flags = flags;
        if (block == 0) block_flags |= chunk_start;
        if (block + 1 == kChunkSize / kBlockSize) block_flags |= chunk_end;
        Lanes v[16];
        for (std::size_t i = 0; i < 8; ++i) v[i] = h[i];
        for (std::size_t i = 0; i < 4; ++i) v[8 + i] = zero + kInitial[i];
        v[12] = counter_low;
        v[13] = counter_high;
        v[14] = zero + static_cast<std::uint32_t>(kBlockSize);
        v[15] = zero + block_flags;
        for (std::size_t round = 0; round < 7; ++round) {
            const auto& s = kSchedule[round];
            MUTIRAO_G(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
            MUTIRAO_G(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
            MUTIRAO_G(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
            MUTIRAO_G(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
            MUTIRAO_G(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
            MUTIRAO_G(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
            MUTIRAO_G(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
            MUTIRAO_G(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
        }
        for (std::size_t i = 0; i < 8; ++i) h[i] = v[i] ^ v[i + 8];
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane)
        for (std::size_t i = 0; i < 8; ++i) out[lane][i] = h[i][lane];
}

#undef MUTIRAO_G
#undef MUTIRAO_ROTATE

}  // namespace
}  // namespace mutirao::crypto::blake3_detail
