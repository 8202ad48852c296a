// The tower field of the code: F8 = GF(2)[y]/(y^8+y^4+y^3+y+1) (the AES field) and
// F16 = F8[x]/(x^2+x+0x20). An element of F16 is lo + hi*x, held as hi << 8 | lo. 0x20 is the least
// d for which x^2+x+d is irreducible over F8. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace mutirao::coding {

using F8 = std::uint8_t;
using F16 = std::uint16_t;

inline constexpr F8 kTowerConstant = 0x20;

constexpr F8 mul8(F8 a, F8 b) {
    F8 product = 0;
    for (int bit = 0; bit < 8; ++bit) {
        if (b >> bit & 1) product = static_cast<F8>(product ^ a);
        a = static_cast<F8>(a << 1 ^ (a >> 7 ? 0x1b : 0));
    }
    return product;
}

constexpr F16 mul16(F16 a, F16 b) {
    const F8 a_lo = a & 0xff, a_hi = a >> 8, b_lo = b & 0xff, b_hi = b >> 8;
    const F8 p = mul8(a_lo, b_lo);
    const F8 q = mul8(a_hi, b_hi);
    const F8 r = mul8(static_cast<F8>(a_lo ^ a_hi), static_cast<F8>(b_lo ^ b_hi));
    const F8 lo = static_cast<F8>(p ^ mul8(kTowerConstant, q));
    const F8 hi = static_cast<F8>(r ^ p);
    return static_cast<F16>(hi << 8 | lo);
}

// The Cantor basis: v_0 = 1 and v_{i+1} the numerically smaller y with y^2 + y = v_i. Its first
// eight elements span F8, so most butterflies multiply by an F8 constant.
inline constexpr std::array<F16, 16> kCantorBasis{0x0001, 0x00bc, 0x005c, 0x000c, 0x00ae, 0x005a,
                                                  0x000e, 0x0084, 0x01f6, 0xbc5c, 0x5c18, 0x0c7e,
                                                  0xae46, 0x5a68, 0x0e02, 0x8456};

// w_i: the XOR of v_j over the set bits j of i. Row i of the code is the evaluation at w_i.
constexpr F16 point(std::uint32_t i) {
    F16 w = 0;
    for (std::uint32_t j = 0; j < 16; ++j)
        if (i >> j & 1) w = static_cast<F16>(w ^ kCantorBasis[j]);
    return w;
}

// Discrete logarithms to one primitive element, built once per process (0.5 MB).
struct LogTables {
    std::vector<F16> log;  // [element], element != 0; log[0] is 0 and means nothing
    std::vector<F16> exp;  // [exponent mod 65535]
};
const LogTables& log_tables();

inline constexpr std::uint32_t kGroupOrder = 65535;

}  // namespace mutirao::coding
