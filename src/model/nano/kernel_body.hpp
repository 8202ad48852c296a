// The kernels over vectors of MUTIRAO_LANES floats (GCC's and clang's vector extensions), built
// once for each instruction set. Included by the kernel_*.cpp files only. Everything is in an
// anonymous namespace and nothing of the standard library is called, so that code compiled for one
// CPU never serves another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/nano/kernel.hpp"

namespace mutirao::model::nano {
namespace {

constexpr std::size_t kLanes = MUTIRAO_LANES;
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t Whole __attribute__((vector_size(kLanes * sizeof(float))));

#define MUTIRAO_INLINE inline __attribute__((always_inline))

MUTIRAO_INLINE Vector load(const float* p) {
    Vector v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
// The first `count` floats, the rest `fill`.
MUTIRAO_INLINE Vector load(const float* p, std::size_t count, float fill = 0) {
    if (count >= kLanes) return load(p);
    Vector v = fill - Vector{};
    for (std::size_t i = 0; i < count; ++i) v[i] = p[i];
    return v;
}
MUTIRAO_INLINE void store(float* p, Vector v, std::size_t count = kLanes) {
    if (count >= kLanes) {
        __builtin_memcpy(p, &v, sizeof v);
        return;
    }
    for (std::size_t i = 0; i < count; ++i) p[i] = v[i];
}
MUTIRAO_INLINE Vector all(float value) { return value - Vector{}; }
MUTIRAO_INLINE Vector larger(Vector a, Vector b) { return a > b ? a : b; }
MUTIRAO_INLINE Vector smaller(Vector a, Vector b) { return a < b ? a : b; }

// In halves, always the same order.
MUTIRAO_INLINE float sum(Vector v) {
    float parts[kLanes];
    __builtin_memcpy(parts, &v, sizeof parts);
    for (std::size_t width = kLanes / 2; width > 0; width /= 2)
        for (std::size_t i = 0; i < width; ++i) parts[i] += parts[i + width];
    return parts[0];
}
MUTIRAO_INLINE float largest(Vector v) {
    float parts[kLanes];
    __builtin_memcpy(parts, &v, sizeof parts);
    for (std::size_t width = kLanes / 2; width > 0; width /= 2)
        for (std::size_t i = 0; i < width; ++i)
            parts[i] = parts[i] > parts[i + width] ? parts[i] : parts[i + width];
    return parts[0];
}

// f(start, count) for each vector, the last one perhaps short.
template <class F>
MUTIRAO_INLINE void each_vector(std::size_t size, F f) {
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) f(i, kLanes);
    if (i < size) f(i, size - i);
}

// Range reduction by ln 2 in two parts, then Cephes' polynomial of degree 5 (expf). From -87.3 up
// to 88; NaN stays NaN.
MUTIRAO_INLINE Vector exp(Vector x) {
    const Vector in = x;
    x = larger(smaller(x, all(88.0f)), all(-87.3f));
    const Vector shifted = x * 1.44269504f + 12582912.0f;  // rounds to whole in the low bits
    const Vector whole = shifted - 12582912.0f;
    x = x - whole * 0.693359375f;
    x = x + whole * 2.12194440e-4f;
    Vector y = all(1.9875691500e-4f);
    y = y * x + 1.3981999507e-3f;
    y = y * x + 8.3334519073e-3f;
    y = y * x + 4.1665795894e-2f;
    y = y * x + 1.6666665459e-1f;
    y = y * x + 5.0000001201e-1f;
    y = y * x * x + x + 1.0f;
    const Whole power = (__builtin_convertvector(whole, Whole) + 127) << 23;
    Vector scale;
    __builtin_memcpy(&scale, &power, sizeof scale);
    return in == in ? y * scale : in;
}
MUTIRAO_INLINE Vector sigmoid(Vector x) { return 1.0f / (1.0f + exp(-x)); }

float rms_norm(const float* x, const float* weight, float* out, std::size_t size, float epsilon) {
    Vector squares{};
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector v = load(x + i, n);
        squares += v * v;
    });
    const float r = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(size) + epsilon);
    each_vector(size, [&](std::size_t i, std::size_t n) {
        store(out + i, load(x + i, n) * r * load(weight + i, n), n);
    });
    return r;
}

// With y = x r w and r = (mean(x^2) + e)^(-1/2):  dx = r (w dy - x r^2 mean(x w dy)).
void rms_norm_backward(const float* x, const float* weight, float r, const float* dout, float* dx,
                       float* dweight, std::size_t size) {
    Vector products{};
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector xd = load(x + i, n) * load(dout + i, n);
        products += xd * load(weight + i, n);
        store(dweight + i, load(dweight + i, n) + xd * r, n);
    });
    const float back = r * r * sum(products) / static_cast<float>(size);
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector d = load(weight + i, n) * load(dout + i, n) - load(x + i, n) * back;
        store(dx + i, load(dx + i, n) + r * d, n);
    });
}

// Replaces row by exp(scale * (row - its largest)) and returns their sum.
MUTIRAO_INLINE float exponentials(float* row, std::size_t size, float scale, float& top) {
    const float least = -3.0e38f;
    Vector high = all(least);
    each_vector(
        size, [&](std::size_t i, std::size_t n) { high = larger(high, load(row + i, n, least)); });
    top = largest(high);
    Vector total{};
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
        const Vector e = exp((load(row + i) - top) * scale);
        store(row + i, e);
        total += e;
    }
    float rest = 0;
    if (i < size) {
        const Vector e = exp((load(row + i, size - i, top) - top) * scale);
        store(row + i, e, size - i);
        for (; i < size; ++i) rest += row[i];
    }
    return sum(total) + rest;
}

void softmax(float* row, std::size_t size, float scale) {
    float top;
    const float share = 1.0f / exponentials(row, size, scale, top);
    each_vector(size,
                [&](std::size_t i, std::size_t n) { store(row + i, load(row + i, n) * share, n); });
}

void softmax_backward(const float* shares, float* d, std::size_t size, float scale) {
    Vector products{};
    each_vector(size, [&](std::size_t i, std::size_t n) {
        products += load(shares + i, n) * load(d + i, n);
    });
    const float mean = sum(products);
    each_vector(size, [&](std::size_t i, std::size_t n) {
        store(d + i, load(shares + i, n) * (load(d + i, n) - mean) * scale, n);
    });
}

void swiglu(const float* gate, const float* up, float* out, std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector g = load(gate + i, n);
        store(out + i, g * sigmoid(g) * load(up + i, n), n);
    });
}

void swiglu_backward(const float* gate, const float* up, const float* dout, float* dgate,
                     float* dup, std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector g = load(gate + i, n), d = load(dout + i, n);
        const Vector s = sigmoid(g);
        store(dup + i, d * g * s, n);
        store(dgate + i, d * load(up + i, n) * s * (1.0f + g * (1.0f - s)), n);
    });
}

void rotate(float* x, const float* cosines, const float* sines, std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector a = load(x + i, n), b = load(x + size + i, n);
        const Vector c = load(cosines + i, n), s = load(sines + i, n);
        store(x + i, a * c - b * s, n);
        store(x + size + i, b * c + a * s, n);
    });
}

void rotate_back(float* x, const float* cosines, const float* sines, std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector a = load(x + i, n), b = load(x + size + i, n);
        const Vector c = load(cosines + i, n), s = load(sines + i, n);
        store(x + i, a * c + b * s, n);
        store(x + size + i, b * c - a * s, n);
    });
}

float cross_entropy(float* scores, std::size_t size, std::size_t answer, float scale) {
    const float chosen = scores[answer];
    float top;
    const float total = exponentials(scores, size, 1, top);
    const float share = scale / total;
    each_vector(size, [&](std::size_t i, std::size_t n) {
        store(scores + i, load(scores + i, n) * share, n);
    });
    scores[answer] -= scale;
    return __builtin_logf(total) + top - chosen;
}

void add(float* x, const float* y, std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        store(x + i, load(x + i, n) + load(y + i, n), n);
    });
}

// Floats within a block, doubles across: a long list loses nothing.
double square_sum(const float* x, std::size_t size) {
    constexpr std::size_t kBlock = 1024;
    double total = 0;
    for (std::size_t start = 0; start < size; start += kBlock) {
        const std::size_t length = size - start < kBlock ? size - start : kBlock;
        Vector squares{};
        each_vector(length, [&](std::size_t i, std::size_t n) {
            const Vector v = load(x + start + i, n);
            squares += v * v;
        });
        total += static_cast<double>(sum(squares));
    }
    return total;
}

void nesterov(float* m, const float* g, float scale, float mu, float* out, std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector gradient = scale * load(g + i, n);
        const Vector momentum = mu * load(m + i, n) + gradient;
        store(m + i, momentum, n);
        store(out + i, gradient + mu * momentum, n);
    });
}

void decay_subtract(float* x, const float* y, float keep, float rate, std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        store(x + i, keep * load(x + i, n) - rate * load(y + i, n), n);
    });
}

// Square roots of a vector; the loop becomes one instruction.
MUTIRAO_INLINE Vector roots(Vector v) {
    for (std::size_t i = 0; i < kLanes; ++i) v[i] = __builtin_sqrtf(v[i]);
    return v;
}

void adamw(float* x, float* m, float* v, const float* g, float scale, const AdamStep& step,
           std::size_t size) {
    each_vector(size, [&](std::size_t i, std::size_t n) {
        const Vector gradient = scale * load(g + i, n);
        const Vector first = step.beta1 * load(m + i, n) + (1.0f - step.beta1) * gradient;
        const Vector second =
            step.beta2 * load(v + i, n) + (1.0f - step.beta2) * gradient * gradient;
        store(m + i, first, n);
        store(v + i, second, n);
        const Vector size_of_step = roots(second) / step.root_correction + step.epsilon;
        store(x + i, step.keep * load(x + i, n) - step.rate * first / size_of_step, n);
    });
}

constexpr Kernels make_kernels(const char* name) {
    return {name,
            rms_norm,
            rms_norm_backward,
            softmax,
            softmax_backward,
            swiglu,
            swiglu_backward,
            rotate,
            rotate_back,
            cross_entropy,
            add,
            square_sum,
            nesterov,
            decay_subtract,
            adamw};
}

}  // namespace
}  // namespace mutirao::model::nano
