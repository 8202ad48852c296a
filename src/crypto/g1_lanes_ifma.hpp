// The field of BLS12-381 and its curves in eight lanes of AVX-512 IFMA. Only for *_ifma.cpp files
// (compile options: CMakeLists.txt), and all within each of them: nothing here may be inline code
// that other files share, as they run on other processors, too.
//
// Numbers are in Montgomery form with R = 2^416. As 2^35 p is below R, a product of numbers up to
// 2^8 p comes out hardly over p: sums of a few need no reduction before they are multiplied.
#pragma once

#include "crypto/g1_lanes.hpp"
#include "crypto/ifma_words.hpp"

namespace mutirao::crypto::g1_lanes {
namespace {

V zero() { return _mm512_setzero_si512(); }
// What goes over 52 bits, which may be negative.
V over(V a) { return _mm512_srai_epi64(a, 52); }

constexpr std::uint64_t kP[kWords] = {0xeffffffffaaab, 0xfeb153ffffb9f, 0x6b0f6241eabff,
                                      0x12bf6730d2a0f, 0x764774b84f385, 0x1ba7b6434bacd,
                                      0x1ea397fe69a4b, 0x1a011};
constexpr std::uint64_t kMinusInverse = 0x3fffcfffcfffd;  // of p, mod 2^52
constexpr std::uint64_t kR[kWords] = {0x6480ea8e9b9af, 0x65766c8fe444f, 0x8b540fea96f7d,
                                      0x3b2ee82efd422, 0xa6723e5f0ade5, 0xff6eb6fdd4230,
                                      0xe06ef23c24a25, 0x14c8e};
constexpr std::uint64_t kRSquared[kWords] = {0xa5bf4cb89af51, 0x3afbba7ca31a2, 0x2646160ec71f1,
                                             0xa84d710465903, 0x3480a4a188311, 0x98e5907ad91f5,
                                             0x2075d74507266, 0x8746};
constexpr std::uint64_t kBlstR[kWords] = {0x900000002fffd, 0xbc40c0002760,  0x3c758baebf400,
                                          0x57455f4898575, 0xd77ce58537052, 0x71a97a256ec6,
                                          0xec3fa80e4935c, 0x15f65};  // 2^384 mod p, itself
constexpr std::uint64_t kZeros[kWords] = {};
constexpr std::uint64_t kPlainOne[kWords] = {1};
constexpr std::uint64_t kZ = 0xd201000000010000;  // the curve's parameter, without its sign

// Words below 2^52 when carried, or else with what is over, or under, left in them.
struct Fe {
    V w[kWords];
};
// A product.
struct Wide {
    V w[2 * kWords];
};

inline Fe carry(Fe a) {
    const V mask = all(kMask52);
    for (std::size_t i = 0; i + 1 < kWords; ++i) {
        a.w[i + 1] = plus(a.w[i + 1], over(a.w[i]));
        a.w[i] = _mm512_and_si512(a.w[i], mask);
    }
    return a;
}

// a / R plus less than p, not carried.
inline Fe reduce(Wide a) {
    const V mask = all(kMask52), factor = all(kMinusInverse);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kWords; ++i) {
        auto* const at = a.w + i;
        const V q = low(zero(), at[0], factor);
        // The lowest word of the sum is zero by the choice of q: what it carries is known.
        const V carried = high(over(plus(at[0], mask)), q, all(kP[0]));
        at[1] = plus(low(at[1], q, all(kP[1])), carried);
#pragma GCC unroll 8
        for (std::size_t j = 2; j < kWords; ++j) {
            at[j] = low(at[j], q, all(kP[j]));
            at[j] = high(at[j], q, all(kP[j - 1]));
        }
        at[kWords] = high(at[kWords], q, all(kP[kWords - 1]));
    }
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = a.w[kWords + i];
    return out;
}

// Of carried numbers, as all products.
inline Wide product(const Fe& a, const Fe& b) {
    Wide r;
    for (auto& word : r.w) word = zero();
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kWords; ++i) {
#pragma GCC unroll 8
        for (std::size_t j = 0; j < kWords; ++j) {
            r.w[i + j] = low(r.w[i + j], a.w[i], b.w[j]);
            r.w[i + j + 1] = high(r.w[i + j + 1], a.w[i], b.w[j]);
        }
    }
    return r;
}
inline Wide square(const Fe& a) {
    Wide r;
    for (auto& word : r.w) word = zero();
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kWords; ++i) {
#pragma GCC unroll 8
        for (std::size_t j = i + 1; j < kWords; ++j) {
            r.w[i + j] = low(r.w[i + j], a.w[i], a.w[j]);
            r.w[i + j + 1] = high(r.w[i + j + 1], a.w[i], a.w[j]);
        }
    }
#pragma GCC unroll 16
    for (auto& word : r.w) word = plus(word, word);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kWords; ++i) {
        r.w[2 * i] = low(r.w[2 * i], a.w[i], a.w[i]);
        r.w[2 * i + 1] = high(r.w[2 * i + 1], a.w[i], a.w[i]);
    }
    return r;
}
inline Wide total(Wide a, const Wide& b) {
    for (std::size_t i = 0; i < 2 * kWords; ++i) a.w[i] = plus(a.w[i], b.w[i]);
    return a;
}
inline Wide difference(Wide a, const Wide& b) {
    for (std::size_t i = 0; i < 2 * kWords; ++i) a.w[i] = minus(a.w[i], b.w[i]);
    return a;
}

[[gnu::noinline]] Fe mul(const Fe& a, const Fe& b) { return carry(reduce(product(a, b))); }
[[gnu::noinline]] Fe sqr(const Fe& a) { return carry(reduce(square(a))); }

// None of these is carried.
inline Fe add(const Fe& a, const Fe& b) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = plus(a.w[i], b.w[i]);
    return out;
}
inline Fe doubled(const Fe& a) { return add(a, a); }
inline Fe sub(const Fe& a, const Fe& b) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = minus(a.w[i], b.w[i]);
    return out;
}
// a - b + M p, for b of at most M p.
template <std::uint64_t M>
inline Fe sub(const Fe& a, const Fe& b) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = minus(plus(a.w[i], all(M * kP[i])), b.w[i]);
    return out;
}
inline Fe choose(__mmask8 lanes, const Fe& yes, const Fe& no) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i)
        out.w[i] = _mm512_mask_mov_epi64(no.w[i], lanes, yes.w[i]);
    return out;
}

Fe same(const std::uint64_t* words) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = all(words[i]);
    return out;
}
inline Fe read(const Numbers& from) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = _mm512_load_si512(from.words[i]);
    return out;
}
inline void store(const Fe& from, Numbers& to) {
    for (std::size_t i = 0; i < kWords; ++i) _mm512_store_si512(to.words[i], from.w[i]);
}

// a - p, and in which lanes it is not negative.
struct Less {
    Fe number;
    __mmask8 fits;
};
Less less_p(const Fe& a) {
    const Fe out = carry(sub(a, same(kP)));
    return {out, static_cast<__mmask8>(~_mm512_movepi64_mask(out.w[kWords - 1]))};
}
// a factor / R, below p.
[[gnu::noinline]] Fe converted(const Fe& a, const std::uint64_t* factor) {
    const Fe out = mul(a, same(factor));
    const auto less = less_p(out);
    return choose(less.fits, less.number, out);
}
__mmask8 is_zero(const Fe& a) {
    const Fe plain = converted(a, kPlainOne);
    V any = plain.w[0];
    for (std::size_t i = 1; i < kWords; ++i) any = _mm512_or_si512(any, plain.w[i]);
    return _mm512_testn_epi64_mask(any, any);
}

[[gnu::noinline]] Fe squared(Fe a, int times) {
    for (int i = 0; i < times; ++i) a = sqr(a);
    return a;
}

// Bit i of (p - 3) / 4, which is p without its two lowest bits.
inline bool is_set_in_exponent(int i) {
    return i >= 0 && (kP[(i + 2) / 52] >> (i + 2) % 52 & 1) != 0;
}

// a^((p - 3) / 4), which times a is a's root if there is one; by windows that begin and end with a
// one.
[[gnu::noinline]] Fe inverse_root(const Fe& a) {
    constexpr int kBits = 379, kWindow = 5;
    Fe odd_powers[1 << (kWindow - 1)];
    const Fe a_squared = sqr(a);
    odd_powers[0] = a;
    for (std::size_t i = 1; i < 1 << (kWindow - 1); ++i)
        odd_powers[i] = mul(odd_powers[i - 1], a_squared);
    Fe out = same(kR);
    for (int at = kBits; at > 0;) {
        int size = 1;
        if (is_set_in_exponent(at - 1))
            for (size = kWindow; !is_set_in_exponent(at - size);) --size;
        unsigned power = 0;
        for (int i = 1; i <= size; ++i) power = 2 * power + (is_set_in_exponent(at - i) ? 1 : 0);
        out = squared(out, size);
        if (power != 0) out = mul(out, odd_powers[power / 2]);
        at -= size;
    }
    return out;
}

// (x / z^2, y / z^3), and infinity where z is 0.
struct CurvePoint {
    Fe x, twice_y, z;
};

// z stays 0. No point has a y of 0: the curve's order is odd.
[[gnu::noinline]] CurvePoint twice(const CurvePoint& p) {
    const Fe b = sqr(p.twice_y);
    const Fe t = doubled(mul(p.x, b));
    const Fe square_x = reduce(square(p.x));
    const Fe e = carry(add(doubled(square_x), square_x));
    CurvePoint out;
    out.x = carry(sub<3>(reduce(square(e)), t));
    const Fe way = carry(sub<9>(t, doubled(out.x)));
    out.twice_y = carry(add(reduce(difference(product(e, way), square(b))), same(kP)));
    out.z = mul(p.twice_y, p.z);
    return out;
}

// z is 0 where that of p or q is, or where they are the same or one is the other's negative.
[[gnu::noinline]] CurvePoint sum(const CurvePoint& p, const CurvePoint& q) {
    const Fe p_zz = sqr(p.z), q_zz = sqr(q.z);
    const Fe p_x = mul(p.x, q_zz);
    const Fe h = carry(sub<2>(mul(q.x, p_zz), p_x));
    const Fe p_y = mul(p.twice_y, mul(q.z, q_zz));
    const Fe r = carry(sub<2>(mul(q.twice_y, mul(p.z, p_zz)), p_y));
    const Fe twice_h = carry(doubled(h));
    const Fe i = sqr(twice_h);
    const Fe j = mul(h, i), v = doubled(mul(p_x, i));
    CurvePoint out;
    out.x = carry(sub<5>(reduce(square(r)), add(j, v)));
    const Fe way = carry(sub<15>(v, doubled(out.x)));
    const Fe twice_j = carry(doubled(j));
    out.twice_y = carry(add(reduce(difference(product(r, way), product(p_y, twice_j))), same(kP)));
    out.z = mul(mul(p.z, q.z), twice_h);
    return out;
}

CurvePoint times_z(const CurvePoint& p) {
    CurvePoint out = p;
    for (int bit = 62; bit >= 0; --bit) {
        out = twice(out);
        if ((kZ >> bit & 1) != 0) out = sum(out, p);
    }
    return out;
}

}  // namespace
}  // namespace mutirao::crypto::g1_lanes
