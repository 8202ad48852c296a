// The inner loops over rows, in several forms that give the same bytes: portable C++, the same code
// compiled for AVX2, and AVX-512 with GFNI (whose byte product is that of F8). The best one that
// this CPU has is chosen once. Internal to coding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coding/field.hpp"

namespace mutirao::coding {

// Every size is in bytes and a multiple of 128: groups of 64 low and 64 high bytes. Spans may not
// overlap.
struct Kernels {
    const char* name;
    // x ^= t * y; y ^= x
    void (*forward)(std::uint8_t* x, std::uint8_t* y, std::size_t size, F16 t);
    // y ^= x; x ^= t * y
    void (*inverse)(std::uint8_t* x, std::uint8_t* y, std::size_t size, F16 t);
    // x = t * x
    void (*scale)(std::uint8_t* x, std::size_t size, F16 t);
    // x ^= y
    void (*add)(std::uint8_t* x, const std::uint8_t* y, std::size_t size);
    // out[g] = sum over elements j of row[j] * challenge_g[j], for 8 pseudo-rows of `size` bytes
    void (*fold)(const std::uint8_t* row, const std::uint8_t* challenge, std::size_t size,
                 F16 out[8]);
};

const Kernels& best_kernels();
// Those that run on this CPU; the portable one first.
std::vector<const Kernels*> available_kernels();

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kGfniKernels;
#endif

}  // namespace mutirao::coding
