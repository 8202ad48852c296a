// The kernels over any vector type V with XOR, built once for each instruction set. V gives:
//   V::load(p), v.store(p)   kLanes bytes
//   a ^ b
//   V::mul(v, c)             every byte times the F8 constant c
//   V::mul(a, b)             byte by byte
// Included by the kernel_*.cpp files only; everything is in an anonymous namespace on purpose, so
// that code compiled for one CPU never serves another.
#pragma once

#include "coding/kernel.hpp"

namespace mutirao::coding {
namespace {

constexpr std::size_t kPlane = 64;  // bytes of low, then of high, halves in one group

template <class V>
inline void multiply(V lo, V hi, F16 t, V& out_lo, V& out_hi) {
    const F8 t_lo = t & 0xff, t_hi = t >> 8;
    const V p = V::mul(lo, t_lo);
    out_lo = p ^ V::mul(hi, mul8(kTowerConstant, t_hi));
    out_hi = p ^ V::mul(lo ^ hi, static_cast<F8>(t_lo ^ t_hi));
}

// body(x_lo, x_hi, y_lo, y_hi) for every pair of vectors of two rows.
template <class V, class Body>
inline void each_pair(std::uint8_t* x, std::uint8_t* y, std::size_t size, Body body) {
    for (std::size_t group = 0; group < size; group += 2 * kPlane)
        for (std::size_t at = group; at < group + kPlane; at += V::kLanes) {
            V x_lo = V::load(x + at), x_hi = V::load(x + at + kPlane);
            V y_lo = V::load(y + at), y_hi = V::load(y + at + kPlane);
            body(x_lo, x_hi, y_lo, y_hi);
            x_lo.store(x + at), x_hi.store(x + at + kPlane);
            y_lo.store(y + at), y_hi.store(y + at + kPlane);
        }
}

template <class V>
void forward(std::uint8_t* x, std::uint8_t* y, std::size_t size, F16 t) {
    if (t < 256)  // an F8 constant multiplies both halves alike
        return each_pair<V>(x, y, size, [t](V& x_lo, V& x_hi, V& y_lo, V& y_hi) {
            x_lo = x_lo ^ V::mul(y_lo, static_cast<F8>(t));
            x_hi = x_hi ^ V::mul(y_hi, static_cast<F8>(t));
            y_lo = y_lo ^ x_lo, y_hi = y_hi ^ x_hi;
        });
    each_pair<V>(x, y, size, [t](V& x_lo, V& x_hi, V& y_lo, V& y_hi) {
        V lo, hi;
        multiply(y_lo, y_hi, t, lo, hi);
        x_lo = x_lo ^ lo, x_hi = x_hi ^ hi;
        y_lo = y_lo ^ x_lo, y_hi = y_hi ^ x_hi;
    });
}

template <class V>
void inverse(std::uint8_t* x, std::uint8_t* y, std::size_t size, F16 t) {
    if (t < 256)
        return each_pair<V>(x, y, size, [t](V& x_lo, V& x_hi, V& y_lo, V& y_hi) {
            y_lo = y_lo ^ x_lo, y_hi = y_hi ^ x_hi;
            x_lo = x_lo ^ V::mul(y_lo, static_cast<F8>(t));
            x_hi = x_hi ^ V::mul(y_hi, static_cast<F8>(t));
        });
    each_pair<V>(x, y, size, [t](V& x_lo, V& x_hi, V& y_lo, V& y_hi) {
        y_lo = y_lo ^ x_lo, y_hi = y_hi ^ x_hi;
        V lo, hi;
        multiply(y_lo, y_hi, t, lo, hi);
        x_lo = x_lo ^ lo, x_hi = x_hi ^ hi;
    });
}

template <class V>
void scale(std::uint8_t* x, std::size_t size, F16 t) {
    for (std::size_t group = 0; group < size; group += 2 * kPlane)
        for (std::size_t at = group; at < group + kPlane; at += V::kLanes) {
            V lo, hi;
            multiply(V::load(x + at), V::load(x + at + kPlane), t, lo, hi);
            lo.store(x + at), hi.store(x + at + kPlane);
        }
}

template <class V>
void add(std::uint8_t* x, const std::uint8_t* y, std::size_t size) {
    for (std::size_t at = 0; at < size; at += V::kLanes)
        (V::load(x + at) ^ V::load(y + at)).store(x + at);
}

template <class V>
inline F8 sum_of_bytes(V v) {
    std::uint8_t bytes[V::kLanes];
    v.store(bytes);
    F8 sum = 0;
    for (const auto byte : bytes) sum = static_cast<F8>(sum ^ byte);
    return sum;
}

// Karatsuba sums over the whole row first; the tower reduction is linear, so once is enough.
template <class V>
void fold(const std::uint8_t* row, const std::uint8_t* challenge, std::size_t size, F16 out[8]) {
    for (std::size_t g = 0; g < 8; ++g, challenge += size) {
        V p = V::zero(), q = V::zero(), r = V::zero();
        for (std::size_t group = 0; group < size; group += 2 * kPlane)
            for (std::size_t at = group; at < group + kPlane; at += V::kLanes) {
                const V lo = V::load(row + at), hi = V::load(row + at + kPlane);
                const V h_lo = V::load(challenge + at), h_hi = V::load(challenge + at + kPlane);
                p = p ^ V::mul(lo, h_lo);
                q = q ^ V::mul(hi, h_hi);
                r = r ^ V::mul(lo ^ hi, h_lo ^ h_hi);
            }
        const F8 sum_p = sum_of_bytes(p);
        const F8 lo = static_cast<F8>(sum_p ^ mul8(kTowerConstant, sum_of_bytes(q)));
        const F8 hi = static_cast<F8>(sum_p ^ sum_of_bytes(r));
        out[g] = static_cast<F16>(hi << 8 | lo);
    }
}

template <class V>
constexpr Kernels make_kernels(const char* name) {
    return {name, forward<V>, inverse<V>, scale<V>, add<V>, fold<V>};
}

// Bytes in a plain array: the compiler turns each loop into whatever vectors the target has.
// Products are eight conditional additions of doublings (Russian peasant), free of tables.
struct ByteArray {
    static constexpr std::size_t kLanes = 64;
    std::uint8_t b[kLanes];

    static ByteArray zero() { return ByteArray{}; }
    static ByteArray load(const std::uint8_t* p) {
        ByteArray v;
        __builtin_memcpy(v.b, p, kLanes);
        return v;
    }
    void store(std::uint8_t* p) const { __builtin_memcpy(p, b, kLanes); }
    friend ByteArray operator^(ByteArray a, const ByteArray& c) {
        for (std::size_t i = 0; i < kLanes; ++i)
            a.b[i] = static_cast<std::uint8_t>(a.b[i] ^ c.b[i]);
        return a;
    }
    void double_all() {
        for (std::size_t i = 0; i < kLanes; ++i) {
            const auto carry = static_cast<std::uint8_t>(b[i] >> 7);
            b[i] = static_cast<std::uint8_t>((b[i] << 1) ^ (0x1b & (0 - carry)));
        }
    }
    static ByteArray mul(ByteArray v, F8 c) {
        ByteArray out{};
        for (; c != 0; c = static_cast<F8>(c >> 1)) {
            if (c & 1) out = out ^ v;
            v.double_all();
        }
        return out;
    }
    static ByteArray mul(ByteArray v, const ByteArray& by) {
        ByteArray out{};
        for (int bit = 0; bit < 8; ++bit) {
            for (std::size_t i = 0; i < kLanes; ++i)
                out.b[i] =
                    static_cast<std::uint8_t>(out.b[i] ^ (v.b[i] & (0 - (by.b[i] >> bit & 1))));
            v.double_all();
        }
        return out;
    }
};

}  // namespace
}  // namespace mutirao::coding
