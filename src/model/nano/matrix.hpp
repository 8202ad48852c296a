// Matrix products on OpenBLAS, in the three forms that a linear map and its gradients need. Row
// major; `stride` is the distance between rows, in floats. The same bits every time on one CPU.
//
// Any thread, several at once; with a serial build of the library they take turns.
#pragma once

#include <cstdint>

namespace mutirao::model::nano {

struct ConstMatrix {
    const float* data;
    std::size_t stride;
};
struct Matrix {
    float* data;
    std::size_t stride;
    operator ConstMatrix() const { return {data, stride}; }
};

enum class Into : std::uint8_t { overwrite, add };

// out[rows, columns] = scale * a[rows, inner] * b[inner, columns], and with either transposed.
struct Product {
    std::size_t rows, columns, inner;
    float scale = 1;
    Into into = Into::overwrite;
};
void multiply(const Product& size, ConstMatrix a, ConstMatrix b, Matrix out);
// b is [columns, inner].
void multiply_transposed(const Product& size, ConstMatrix a, ConstMatrix b, Matrix out);
// a is [inner, rows].
void transposed_multiply(const Product& size, ConstMatrix a, ConstMatrix b, Matrix out);

// out[rows, rows] = scale * a a^T + out_scale * out, both triangles, for half the work of
// multiply_transposed. `out` must be symmetric unless out_scale is 0.
void multiply_by_own_transpose(std::size_t rows, std::size_t inner, float scale, ConstMatrix a,
                               float out_scale, Matrix out);

}  // namespace mutirao::model::nano
