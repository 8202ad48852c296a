// Points of BLS12-381's G1 from their x, eight side by side. Internal to crypto. Pure; any thread;
// in variable time, for public points only.
//
// A number of the field stands in eight words of 52 bits, the lowest first, of which AVX-512's IFMA
// multiplies eight at once.
#pragma once

#include <cstddef>
#include <cstdint>

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

struct Kernel {
    Load load;
};
// Null where this processor has none.
const Kernel* kernel();

#if defined(__x86_64__)
extern const Kernel kIfmaKernel;  // defined for such processors
#endif

}  // namespace mutirao::crypto::g1_lanes
