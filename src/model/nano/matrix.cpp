#include "model/nano/matrix.hpp"

#include <mutex>

#include "model/nano/blas.hpp"

namespace mutirao::model::nano {

namespace {

const Blas& blas() {
    static const Blas& opened = *open_blas().value();  // backends have seen that it can be
    return opened;
}

// Held during a product where the library needs it.
std::unique_lock<std::mutex> one_at_a_time() {
    static std::mutex work_areas;
    return blas().may_be_called_at_once ? std::unique_lock<std::mutex>()
                                        : std::unique_lock(work_areas);
}

blasint dimension(std::size_t size) { return static_cast<blasint>(size); }

void gemm(CBLAS_TRANSPOSE of_a, CBLAS_TRANSPOSE of_b, const Product& size, ConstMatrix a,
          ConstMatrix b, Matrix out) {
    const auto lock = one_at_a_time();
    blas().sgemm(CblasRowMajor, of_a, of_b, dimension(size.rows), dimension(size.columns),
                 dimension(size.inner), size.scale, a.data, dimension(a.stride), b.data,
                 dimension(b.stride), size.into == Into::add ? 1.0f : 0.0f, out.data,
                 dimension(out.stride));
}

}  // namespace

void multiply(const Product& size, ConstMatrix a, ConstMatrix b, Matrix out) {
    gemm(CblasNoTrans, CblasNoTrans, size, a, b, out);
}

void multiply_transposed(const Product& size, ConstMatrix a, ConstMatrix b, Matrix out) {
    gemm(CblasNoTrans, CblasTrans, size, a, b, out);
}

void transposed_multiply(const Product& size, ConstMatrix a, ConstMatrix b, Matrix out) {
    gemm(CblasTrans, CblasNoTrans, size, a, b, out);
}

void multiply_by_own_transpose(std::size_t rows, std::size_t inner, float scale, ConstMatrix a,
                               float out_scale, Matrix out) {
    {
        const auto lock = one_at_a_time();
        blas().ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, dimension(rows), dimension(inner),
                     scale, a.data, dimension(a.stride), out_scale, out.data,
                     dimension(out.stride));
    }
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < row; ++column)
            out.data[column * out.stride + row] = out.data[row * out.stride + column];
}

}  // namespace mutirao::model::nano
