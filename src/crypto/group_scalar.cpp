#include "crypto/group_scalar.hpp"

#include <vector>

#include "base/ensure.hpp"

namespace mutirao::crypto::group_scalar {
namespace {

__extension__ typedef unsigned __int128 Wide;
using Words = std::array<std::uint64_t, 8>;

constexpr Scalar kOrder{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe,
                        0xffffffffffffffff};
constexpr Scalar kHalf{0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff,
                       0x7fffffffffffffff};                                      // (n - 1) / 2
constexpr std::uint64_t kFold[3] = {0x402da1732fc9bebf, 0x4551231950b75fc4, 1};  // 2^256 - n

bool less(const Scalar& a, const Scalar& b) {
    for (std::size_t i = 4; i-- > 0;)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}

// a - b modulo 2^256.
Scalar minus(const Scalar& a, const Scalar& b) {
    Scalar out;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const Wide word = Wide{a[i]} - b[i] - borrow;
        out[i] = static_cast<std::uint64_t>(word);
        borrow = static_cast<std::uint64_t>(word >> 64) & 1;
    }
    return out;
}

Words multiplied(const Scalar& a, const Scalar& b) {
    Words out{};
    for (std::size_t i = 0; i < 4; ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            const Wide word = Wide{a[i]} * b[j] + out[i + j] + carry;
            out[i + j] = static_cast<std::uint64_t>(word);
            carry = static_cast<std::uint64_t>(word >> 64);
        }
        out[i + 4] = carry;
    }
    return out;
}

// Modulo n: what is over 2^256 is folded until nothing is.
Scalar remainder(Words words) {
    while ((words[4] | words[5] | words[6] | words[7]) != 0) {
        Words folded{words[0], words[1], words[2], words[3]};
        for (std::size_t i = 0; i < 4; ++i) {
            std::uint64_t carry = 0;
            for (std::size_t j = 0; j < 3; ++j) {
                const Wide word = Wide{words[i + 4]} * kFold[j] + folded[i + j] + carry;
                folded[i + j] = static_cast<std::uint64_t>(word);
                carry = static_cast<std::uint64_t>(word >> 64);
            }
            for (std::size_t at = i + 3; carry != 0; ++at) {
                const Wide word = Wide{folded[at]} + carry;
                folded[at] = static_cast<std::uint64_t>(word);
                carry = static_cast<std::uint64_t>(word >> 64);
            }
        }
        words = folded;
    }
    return reduced({words[0], words[1], words[2], words[3]});
}

// a^(n - 2), four bits at a time.
Scalar inverse(const Scalar& a) {
    std::array<Scalar, 16> powers{Scalar{1}, a};
    for (std::size_t i = 2; i < powers.size(); ++i) powers[i] = product(powers[i - 1], a);
    const auto exponent = minus(kOrder, {2});
    Scalar out{1};
    for (int bit = 252; bit >= 0; bit -= 4) {
        for (int i = 0; i < 4; ++i) out = product(out, out);
        const auto at = static_cast<std::size_t>(bit);
        out = product(out, powers[exponent[at / 64] >> (at % 64) & 15]);
    }
    return out;
}

// round(k g / 2^384)
Scalar scaled(const Scalar& k, const Scalar& g) {
    const auto words = multiplied(k, g);
    Scalar out{words[6], words[7]};
    if (words[5] >> 63 != 0 && ++out[0] == 0) ++out[1];
    return out;
}

Half half_of(const Scalar& a) {
    const bool over = is_over_half(a);
    const auto size = over ? negative(a) : a;
    ENSURE(size[2] == 0 && size[3] == 0, "a half has 128 bits");
    return {{size[0], size[1]}, over};
}

}  // namespace

Scalar from_bytes(std::span<const std::uint8_t, 32> bytes) {
    Scalar out{};
    for (std::size_t i = 0; i < 32; ++i) out[3 - i / 8] = out[3 - i / 8] << 8 | bytes[i];
    return out;
}

bool is_below_order(const Scalar& a) { return less(a, kOrder); }
bool is_over_half(const Scalar& a) { return less(kHalf, a); }
Scalar reduced(const Scalar& a) { return is_below_order(a) ? a : minus(a, kOrder); }
Scalar product(const Scalar& a, const Scalar& b) { return remainder(multiplied(a, b)); }
Scalar negative(const Scalar& a) { return is_zero(a) ? a : minus(kOrder, a); }
Scalar sum(const Scalar& a, const Scalar& b) {
    const auto room = minus(kOrder, b);  // a + b = a - (n - b), and n more where that is below zero
    return less(a, room) ? minus(a, minus({}, b)) : minus(a, room);
}

void invert_all(std::span<Scalar> scalars) {
    std::vector<Scalar> before;  // the product of those that come before each
    Scalar all{1};
    for (const auto& one : scalars) {
        before.push_back(all);
        all = product(all, one);
    }
    all = inverse(all);
    for (std::size_t i = scalars.size(); i-- > 0;) {
        const auto out = product(all, before[i]);
        all = product(all, scalars[i]);
        scalars[i] = out;
    }
}

Halves split(const Scalar& k) {
    constexpr Scalar kG1{0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15,
                         0x3086d221a7d46bcd};
    constexpr Scalar kG2{0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4,
                         0xe4437ed6010e8828};
    constexpr Scalar kMinusB1{0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0, 0};
    constexpr Scalar kMinusB2{0xd765cda83db1562c, 0x8a280ac50774346d, 0xfffffffffffffffe,
                              0xffffffffffffffff};
    constexpr Scalar kLambda{0xdf02967c1b23bd72, 0x122e22ea20816678, 0xa5261c028812645a,
                             0x5363ad4cc05c30e0};
    const auto b = sum(product(scaled(k, kG1), kMinusB1), product(scaled(k, kG2), kMinusB2));
    const auto a = sum(k, negative(product(b, kLambda)));
    return {half_of(a), half_of(b)};
}

}  // namespace mutirao::crypto::group_scalar
