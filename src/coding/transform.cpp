#include "coding/transform.hpp"

#include <algorithm>
#include <cstring>

namespace mutirao::coding {
namespace {

// The size of the next of as few and as even passes as possible over `left` layers.
std::uint32_t next_layers(std::uint32_t left, std::uint32_t layers_max) {
    const std::uint32_t passes = (left + layers_max - 1) / layers_max;
    return (left + passes - 1) / passes;
}

}  // namespace

void inverse_layers(const Kernels& kernels, ConstRows in, Rows out, std::size_t bytes,
                    std::uint32_t rows, std::uint32_t offset, Layers layers, std::ptrdiff_t ahead) {
    Pass pass{in, out, bytes, rows, offset, layers.low, 0, false, ahead};
    while (pass.low < layers.high) {
        pass.layers = next_layers(layers.high - pass.low, kernels.layers_max);
        kernels.inverse(pass);
        pass.low += pass.layers;
        pass.in = as_const(out), pass.ahead = 0;
    }
}

void forward_layers(const Kernels& kernels, ConstRows in, Rows out, std::size_t bytes,
                    std::uint32_t rows, std::uint32_t offset, Layers layers, bool stream) {
    Pass pass{in, out, bytes, rows, offset, layers.high, 0, false};
    while (pass.low > layers.low) {
        pass.layers = next_layers(pass.low - layers.low, kernels.layers_max);
        pass.low -= pass.layers;
        pass.stream = stream && pass.low == layers.low;
        kernels.forward(pass);
        pass.in = as_const(out);
    }
}

void derivative(const Kernels& kernels, Rows values, std::size_t bytes, std::uint32_t rows) {
    // Ascending order reads only coefficients with a higher index, which are still untouched; the
    // row's own old value must go, so it starts from the first one that it takes.
    for (std::uint32_t i = 0; i < rows; ++i) {
        bool first = true;
        for (std::uint32_t bit = 1; bit < rows; bit *= 2) {
            if (i & bit) continue;
            const std::uint8_t* source = values.row(i | bit);
            if (first)
                std::memcpy(values.row(i), source, bytes);
            else
                kernels.add(values.row(i), source, bytes);
            first = false;
        }
        if (first) std::memset(values.row(i), 0, bytes);
    }
}

}  // namespace mutirao::coding
