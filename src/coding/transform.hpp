// The additive FFT over rows (Lin, Chung, Han 2014; on the Cantor basis the twiddle of layer i at
// position p is w_{p >> i}). Internal to coding.
#pragma once

#include <cstdint>
#include <vector>

#include "coding/kernel.hpp"

namespace mutirao::coding {

// A block of rows in memory: row i is `bytes` long and begins at data + i * stride.
struct RowBlock {
    std::uint8_t* data;
    std::size_t stride;
    std::size_t bytes;  // multiple of 128

    std::uint8_t* row(std::size_t i) const { return data + i * stride; }
};

// Values at w_offset .. w_{offset+size-1} from coefficients in the normalised subspace-polynomial
// basis, in place. size = 2^log_size; offset is a multiple of size.
void forward_transform(const RowBlock& rows, std::uint32_t log_size, std::uint32_t offset);
// The inverse.
void inverse_transform(const RowBlock& rows, std::uint32_t log_size, std::uint32_t offset);

// Formal derivative of coefficients in that basis, in place: on the Cantor basis every subspace
// polynomial has derivative 1, so d_i is the sum of c_{i | 2^j} over the clear bits j of i.
void derivative(const RowBlock& rows, std::uint32_t log_size);

}  // namespace mutirao::coding
