// Numbers below the order n of secp256k1's group. Internal to crypto. Pure; any thread; in variable
// time, for public values only.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace mutirao::crypto::group_scalar {

using Scalar = std::array<std::uint64_t, 4>;  // the lowest word first

// Big-endian. Not reduced: it may be n or more.
Scalar from_bytes(std::span<const std::uint8_t, 32> bytes);
inline bool is_zero(const Scalar& a) { return (a[0] | a[1] | a[2] | a[3]) == 0; }
bool is_below_order(const Scalar& a);
bool is_over_half(const Scalar& a);  // (n - 1) / 2

// Less n, where it is n or more. The others want numbers below n.
Scalar reduced(const Scalar& a);
Scalar product(const Scalar& a, const Scalar& b);  // 30 ns
Scalar sum(const Scalar& a, const Scalar& b);
Scalar negative(const Scalar& a);
// Each becomes its inverse; none is zero. 12 us, and 0.1 us for each.
void invert_all(std::span<Scalar> scalars);

// k = a + lambda b, lambda the root of unity by which the endomorphism multiplies; |a|, |b| < 2^128
// (Gallant, Lambert and Vanstone, CRYPTO 2001; the constants and their bounds as libsecp256k1's
// scalar_impl.h derives them).
struct Half {
    std::array<std::uint64_t, 2> size;
    bool negative;
};
struct Halves {
    Half a, b;
};
Halves split(const Scalar& k);

}  // namespace mutirao::crypto::group_scalar
