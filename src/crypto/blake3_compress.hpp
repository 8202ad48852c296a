// BLAKE3's compression function, one message at a time and sixteen messages side by side. Internal
// to crypto. Specification: https://github.com/BLAKE3-team/BLAKE3-specs, section 2. Pure; any
// thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mutirao::crypto::blake3_detail {

inline constexpr std::size_t kBlockSize = 64;
inline constexpr std::size_t kChunkSize = 1024;
inline constexpr std::size_t kLanes = 16;

// The kernels take message words straight from memory.
static_assert(std::endian::native == std::endian::little);

using ChainingValue = std::array<std::uint32_t, 8>;
using Words16 = std::array<std::uint32_t, 16>;

enum Flags : std::uint32_t {
    chunk_start = 1,
    chunk_end = 2,
    parent = 4,
    root = 8,
    keyed_hash = 16,
    derive_key_context = 32,
    derive_key_material = 64,
};

inline constexpr ChainingValue kInitial{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// The order in which each of the seven rounds takes the sixteen message words.
inline constexpr std::array<std::array<std::uint8_t, 16>, 7> kSchedule = [] {
    constexpr std::array<std::uint8_t, 16> permutation{2, 6,  3,  10, 7, 0,  4,  13,
                                                       1, 11, 12, 5,  9, 14, 15, 8};
    std::array<std::array<std::uint8_t, 16>, 7> schedule{};
    for (std::uint8_t i = 0; i < 16; ++i) schedule[0][i] = i;
    for (std::size_t round = 1; round < 7; ++round)
        for (std::size_t i = 0; i < 16; ++i)
            schedule[round][i] = schedule[round - 1][permutation[i]];
    return schedule;
}();

// The full 16-word output: the first eight words are the chaining value.
Words16 compress(const ChainingValue& chaining, const Words16& message, std::uint64_t counter,
                 std::uint32_t block_size, std::uint32_t flags);

// What every lane of a wide compression has in common.
struct WideJob {
    ChainingValue key;               // chaining value before the first block
    std::size_t lanes = kLanes;      // 1..16: how many outputs are wanted
    std::size_t blocks = 1;          // 64-byte blocks in each lane
    std::uint64_t counter = 0;       // of lane 0
    std::uint64_t counter_step = 0;  // from one lane to the next
    std::uint32_t flags = 0;         // of every block
    std::uint32_t first_flags = 0;   // also of the first block
    std::uint32_t last_flags = 0;    // also of the last block
};

// One word of sixteen messages stands together: [i][lane] is word i of a lane's chaining value.
using LaneValues = std::uint32_t[8][kLanes];

// The next whole blocks, all of one chunk, of sixteen rows.
struct RowsJob {
    const std::uint8_t* rows;       // row r's blocks begin at rows + r * stride
    std::size_t stride;             // bytes
    std::size_t blocks;             // of each row
    std::uint64_t counter;          // of the chunk
    std::uint32_t flags;            // of every block
    std::uint32_t first_flags = 0;  // also of the first block
    std::uint32_t last_flags = 0;   // also of the last block
};

// Blocks of an extendable output, which differ in the counter alone.
struct OutputJob {
    ChainingValue chaining;
    Words16 message;
    std::uint64_t counter;  // of the first of sixteen
    std::uint32_t block_size;
    std::uint32_t flags;
};

// One instruction set's way to compress sixteen messages at a time. All give the same bytes.
struct WideKernel {
    const char* name;
    // Chaining values of `job.lanes` messages of whole blocks; inputs[i] has 64 * job.blocks bytes.
    // All sixteen pointers must be readable, the unwanted ones too, and out[i] of an unwanted lane
    // is unspecified. The lanes are chunks of one input (counter_step 1) or parents.
    void (*messages)(const std::uint8_t* const inputs[kLanes], const WideJob& job,
                     ChainingValue out[kLanes]);
    // Takes `values` over the job's blocks.
    void (*rows)(const RowsJob& job, LaneValues values);
    // The parents of sixteen pairs; `out` may be `left` or `right`.
    void (*parents)(const ChainingValue& key, std::uint32_t flags, const LaneValues left,
                    const LaneValues right, LaneValues out);
    // Writes 16 * 64 bytes.
    void (*outputs)(const OutputJob& job, std::uint8_t* out);
};

// The ones that this processor runs; the last is the fastest.
std::span<const WideKernel> wide_kernels();
inline const WideKernel& best_wide_kernel() { return wide_kernels().back(); }

extern const WideKernel kPortableKernel;
#if defined(__x86_64__)
extern const WideKernel kAvx2Kernel, kAvx512Kernel;
#endif

}  // namespace mutirao::crypto::blake3_detail
