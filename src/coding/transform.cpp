#include "coding/transform.hpp"

namespace mutirao::coding {

void forward_transform(const RowBlock& rows, std::uint32_t log_size, std::uint32_t offset) {
    const auto& kernels = best_kernels();
    const std::uint32_t size = 1u << log_size;
    for (std::uint32_t layer = log_size; layer-- > 0;) {
        const std::uint32_t half = 1u << layer;
        for (std::uint32_t start = 0; start < size; start += 2 * half) {
            const F16 t = point((offset + start) >> layer);
            for (std::uint32_t i = start; i < start + half; ++i)
                kernels.forward(rows.row(i), rows.row(i + half), rows.bytes, t);
        }
    }
}

void inverse_transform(const RowBlock& rows, std::uint32_t log_size, std::uint32_t offset) {
    const auto& kernels = best_kernels();
    const std::uint32_t size = 1u << log_size;
    for (std::uint32_t layer = 0; layer < log_size; ++layer) {
        const std::uint32_t half = 1u << layer;
        for (std::uint32_t start = 0; start < size; start += 2 * half) {
            const F16 t = point((offset + start) >> layer);
            for (std::uint32_t i = start; i < start + half; ++i)
                kernels.inverse(rows.row(i), rows.row(i + half), rows.bytes, t);
        }
    }
}

void derivative(const RowBlock& rows, std::uint32_t log_size) {
    const auto& kernels = best_kernels();
    const std::uint32_t size = 1u << log_size;
    // Ascending order reads only coefficients with a higher index, which are still untouched; the
    // row's own old value must go, so it starts from the first one that it takes.
    for (std::uint32_t i = 0; i < size; ++i) {
        bool first = true;
        for (std::uint32_t j = 0; j < log_size; ++j) {
            if (i >> j & 1) continue;
            const std::uint8_t* source = rows.row(i | 1u << j);
            if (first)
                __builtin_memcpy(rows.row(i), source, rows.bytes);
            else
                kernels.add(rows.row(i), source, rows.bytes);
            first = false;
        }
        if (first) __builtin_memset(rows.row(i), 0, rows.bytes);
    }
}

}  // namespace mutirao::coding
