// The inner loops over rows, in several forms that give the same bytes: AVX-512 with GFNI (whose
// byte product is that of F8), AVX2 with GFNI, AVX2 with table look-ups by shuffles, and portable
// C++. The best one that this CPU has is chosen once. Internal to coding.
//
// A row is a sequence of groups of 128 bytes: 64 low bytes, then the 64 high bytes of 64 field
// elements. Every size here is in bytes and a multiple of 128.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coding/field.hpp"

namespace mutirao::coding {

// A block of rows in memory: row i begins at data + i * stride.
template <class Byte>
struct RowsOf {
    Byte* data;
    std::size_t stride;

    Byte* row(std::size_t i) const { return data + i * stride; }
    RowsOf from_row(std::size_t i) const { return {row(i), stride}; }
    RowsOf from_column(std::size_t bytes) const { return {data + bytes, stride}; }
};
using ConstRows = RowsOf<const std::uint8_t>;
using Rows = RowsOf<std::uint8_t>;

inline ConstRows as_const(const Rows& rows) { return {rows.data, rows.stride}; }

// Up to four neighbouring layers of a transform, done while the rows that they pair are in
// registers. Layer i pairs rows that are 2^i apart.
struct Pass {
    ConstRows in;  // may be `out`
    Rows out;
    std::size_t bytes;         // columns of every row
    std::uint32_t rows;        // a multiple of 2^(low + layers)
    std::uint32_t offset;      // row 0 stands at point w_offset; a multiple of 2^(low + layers)
    std::uint32_t low;         // the lowest layer
    std::uint32_t layers;      // 1 .. Kernels::layers_max
    bool stream = false;       // write past the caches; wants out.data and out.stride aligned to 64
    std::ptrdiff_t ahead = 0;  // bytes from a row of `in` to one that is read later, or 0
};

struct Kernels {
    const char* name;
    std::uint32_t layers_max;  // of one pass
    // For each layer from the highest down: x ^= t * y; y ^= x, t = w_{position >> layer}.
    void (*forward)(const Pass& pass);
    // For each layer from the lowest up: y ^= x; x ^= t * y.
    void (*inverse)(const Pass& pass);
    // out = t * in; the two may be the same
    void (*scale)(const std::uint8_t* in, std::uint8_t* out, std::size_t size, F16 t);
    // out ^= t * in
    void (*scale_add)(const std::uint8_t* in, std::uint8_t* out, std::size_t size, F16 t);
    // x ^= y
    void (*add)(std::uint8_t* x, const std::uint8_t* y, std::size_t size);
    // Copies past the caches when `out` is aligned to 64.
    void (*stream)(const std::uint8_t* in, std::uint8_t* out, std::size_t size);
    // One row against a piece of a prepared challenge (fold.cpp): `challenge` holds, for each
    // group of the row and each coordinate g < 8, 64 bytes each of low, high and low + high of the
    // pseudo-row. For every g, three byte-wise products are summed over the groups into 64 bytes
    // each of `sums` (8 * 192 bytes, added to): low * low, high * high, and sum * sum.
    void (*fold)(const std::uint8_t* row, const std::uint8_t* challenge, std::size_t size,
                 std::uint8_t* sums);
};

const Kernels& best_kernels();
// Those that run on this CPU; the portable one first, the best last.
std::vector<const Kernels*> available_kernels();
// All that this build has, with whether this CPU runs them.
struct KernelChoice {
    const Kernels* kernels;
    bool runs_here;
};
std::vector<KernelChoice> all_kernels();

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx2GfniKernels;
extern const Kernels kAvx512GfniKernels;
#endif

}  // namespace mutirao::coding
