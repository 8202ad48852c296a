// Points of BLS12-381's G1 from their x, or hashed to, eight side by side. Internal to crypto.
// Pure; any thread; in variable time, for public points only.
//
// A number of the field stands in eight words of 52 bits, the lowest first, of which AVX-512's IFMA
// multiplies eight at once.
#pragma once

#include <blst.h>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mutirao::crypto::g1_lanes {

inline constexpr std::size_t kLanes = 8;
inline constexpr std::size_t kWords = 8;

struct alignas(64) Numbers {
    std::uint64_t words[kWords][kLanes];
};
struct Affine {
    Numbers x, y;  // below p, times 2^384: blst's Montgomery form
};

// In which lanes (one bit each) this x, below p, is that of a point of the prime-order subgroup.
// `out` is that point there, of its two y the larger one where the lane's bit is set.
using Load = std::uint8_t (*)(const Numbers& x, std::uint8_t larger, Affine& out);

// 512 bits each, not reduced.
struct alignas(64) LongNumbers {
    std::uint64_t words[10][kLanes];
};
struct Jacobian {
    Numbers x, y, z;  // (x / z^2, y / z^3), in the same form
};

// The rest of hash_to_curve (RFC 9380 section 3, suite BLS12381G1_XMD:SHA-256_SSWU_RO_) after
// expand_message_xmd has drawn two numbers for each lane. In which lanes `out` is the point: not
// where it is infinity, nor in the rare ones whose way there met a case apart.
using Hash = std::uint8_t (*)(const LongNumbers drawn[2], Jacobian& out);

struct Kernel {
    Load load;
    Hash hash;
};
// Null where this processor has none.
const Kernel* kernel();

// A lane's number, from and to limbs of 64 bits.
void set_lane(std::span<std::uint64_t[kLanes]> words, std::size_t lane,
              std::span<const std::uint64_t> limbs);
blst_fp number_in(const Numbers& numbers, std::size_t lane);

#if defined(__x86_64__)
extern const Kernel kIfmaKernel;  // defined for such processors
std::uint8_t hash_ifma(const LongNumbers drawn[2], Jacobian& out);
#endif

}  // namespace mutirao::crypto::g1_lanes
