// Points of secp256k1, eight side by side, for recovering the signers of eight signatures at once.
// Internal to crypto. Pure; any thread; in variable time, for public values only.
//
// A number of the field stands in five words of 52 bits, the lowest first, of which AVX-512's IFMA
// multiplies eight at once. Words handed over are below 2^52, and numbers, where they come back,
// not always below p. Formulas of additions and doublings: Bernstein and Lange's
// Explicit-Formulas Database, shortw/jacobian-0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mutirao::crypto::recover_lanes {

inline constexpr std::size_t kLanes = 8;
inline constexpr std::size_t kWords = 5;

struct alignas(64) Numbers {
    std::uint64_t words[kWords][kLanes];
};

// Digits of a scalar below 2^128, signed, to base 16 (of R's multiples) or 4096 (of G's).
inline constexpr std::size_t kDigits = 33, kWideDigits = 11;
inline constexpr std::size_t kTableSize = 8, kWideTableSize = 2048;
struct alignas(64) Digits {
    std::int64_t at[kDigits][kLanes];  // -8 to 8
};
struct alignas(64) WideDigits {
    std::int64_t at[kWideDigits][kLanes];  // -2048 to 2048
};

// An affine point, x before y.
struct Point {
    std::uint64_t words[2 * kWords];
};
// B is the point of the key that is the Keccak-256 of this.
inline constexpr char kWhereSumsBegin[] = "where sums of recovered keys begin";
// What all sums share: G, 2G, ... 2048G. A sum begins at one point, so that it never is infinity on
// its way, and ends by adding another that takes the first away again.
struct Multiples {
    Point of_g[kWideTableSize];
    Point begin, end;  // B, and -2^128 B
};

// y with y^2 = x^3 + 7 where there is one, and `off` = x^3 + 7 - y^2, which says whether.
using SquareRoots = void (*)(const Numbers& x, Numbers& y, Numbers& off);
// G a + lambda G b + R c + lambda R d of each lane, affine. Z of the sum is not zero, or the lane's
// result means nothing: the sum is infinity, or two points met that its formulas do not add.
struct Terms {
    WideDigits a, b;
    Digits c, d;
    Numbers x, y;  // of R, on the curve
};
using Sums = void (*)(const Multiples& multiples, const Terms& terms, Numbers& x, Numbers& y,
                      Numbers& z);

struct Kernel {
    SquareRoots square_roots;
    Sums sums;
};
// Null where this processor has none.
const Kernel* kernel();

#if defined(__x86_64__)
extern const Kernel kIfmaKernel;  // defined for such processors
#endif

}  // namespace mutirao::crypto::recover_lanes
