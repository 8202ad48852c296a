// The additive FFT over rows (Lin, Chung, Han 2014; on the Cantor basis the twiddle of layer i at
// position p is w_{p >> i}), cut into passes over blocks that fit the caches. Internal to coding.
#pragma once

#include <cstdint>

#include "coding/kernel.hpp"

namespace mutirao::coding {

// Layers below this one stay inside a block of 64 rows, which at a few groups of columns fits the
// first-level cache; the layers above pair rows of different blocks.
inline constexpr std::uint32_t kBlockLayers = 6;
inline constexpr std::uint32_t kBlockRows = 1u << kBlockLayers;

// Layers low .. high - 1 of a transform over `rows` rows that begin at point w_offset. The first
// pass reads `in` and writes `out`, further ones work in `out`. rows and offset are multiples of
// 2^high.
struct Layers {
    std::uint32_t low, high;
};
// From values towards coefficients in the normalised subspace-polynomial basis: layers low first.
// `ahead`: see Pass; for the first pass.
void inverse_layers(const Kernels& kernels, ConstRows in, Rows out, std::size_t bytes,
                    std::uint32_t rows, std::uint32_t offset, Layers layers,
                    std::ptrdiff_t ahead = 0);
// The other way: layers high first. With `stream` the last pass writes past the caches.
void forward_layers(const Kernels& kernels, ConstRows in, Rows out, std::size_t bytes,
                    std::uint32_t rows, std::uint32_t offset, Layers layers, bool stream = false);

// Formal derivative of `rows` coefficients in that basis, in place: on the Cantor basis every
// subspace polynomial has derivative 1, so d_i is the sum of c_{i | 2^j} over the clear bits j of
// i. rows is a power of two.
void derivative(const Kernels& kernels, Rows values, std::size_t bytes, std::uint32_t rows);

}  // namespace mutirao::coding
