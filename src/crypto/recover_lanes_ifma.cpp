// The kernel for AVX-512 IFMA (compile options: CMakeLists.txt). Nothing here may be inline code
// that other files share: they run on other processors, too.
#include "crypto/recover_lanes.hpp"

#if defined(__x86_64__)
#include "crypto/ifma_words.hpp"

namespace mutirao::crypto::recover_lanes {
namespace {

template <int Bits>
V right(V a) {
    return _mm512_srli_epi64(a, Bits);
}
template <int Bits>
V left(V a) {
    return _mm512_slli_epi64(a, Bits);
}

constexpr std::uint64_t kMask48 = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t kFold256 = 0x1000003d1;        // 2^256 mod p
constexpr std::uint64_t kFold260 = 16 * 0x1000003d1u;  // 2^260 mod p
constexpr std::uint64_t kP[kWords] = {0xffffefffffc2f, kMask52, kMask52, kMask52, kMask48};

// Words below 2^52, the highest at most a little over 2^48, as carry() leaves them.
struct Fe {
    V w[kWords];
};

// Of words below 2^62: folds what is over 2^256, and carries.
inline Fe carry(Fe a) {
    const V mask = all(kMask52);
    a.w[0] = low(a.w[0], right<48>(a.w[4]), all(kFold256));
    a.w[4] = _mm512_and_si512(a.w[4], all(kMask48));
    for (std::size_t i = 0; i + 1 < kWords; ++i) {
        a.w[i + 1] = plus(a.w[i + 1], right<52>(a.w[i]));
        a.w[i] = _mm512_and_si512(a.w[i], mask);
    }
    return a;
}

// A product's ten words below 2^57.
inline Fe reduce(V r[2 * kWords]) {
    const V mask = all(kMask52), fold = all(kFold260);
    for (std::size_t i = kWords; i + 1 < 2 * kWords; ++i) {
        r[i + 1] = plus(r[i + 1], right<52>(r[i]));
        r[i] = _mm512_and_si512(r[i], mask);
    }
    for (std::size_t i = 0; i < kWords; ++i) r[i] = low(r[i], r[kWords + i], fold);
    for (std::size_t i = 0; i + 1 < kWords; ++i) r[i + 1] = high(r[i + 1], r[kWords + i], fold);
    const V over = high(_mm512_setzero_si512(), r[9], fold);
    r[0] = low(r[0], over, fold);
    r[1] = high(r[1], over, fold);
    return carry({{r[0], r[1], r[2], r[3], r[4]}});
}

inline Fe mul(const Fe& a, const Fe& b) {
    V r[2 * kWords];
    for (auto& word : r) word = _mm512_setzero_si512();
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kWords; ++i) {
#pragma GCC unroll 5
        for (std::size_t j = 0; j < kWords; ++j) {
            r[i + j] = low(r[i + j], a.w[i], b.w[j]);
            r[i + j + 1] = high(r[i + j + 1], a.w[i], b.w[j]);
        }
    }
    return reduce(r);
}

inline Fe sqr(const Fe& a) {
    V r[2 * kWords];
    for (auto& word : r) word = _mm512_setzero_si512();
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kWords; ++i) {
#pragma GCC unroll 5
        for (std::size_t j = i + 1; j < kWords; ++j) {
            r[i + j] = low(r[i + j], a.w[i], a.w[j]);
            r[i + j + 1] = high(r[i + j + 1], a.w[i], a.w[j]);
        }
    }
#pragma GCC unroll 10
    for (auto& word : r) word = plus(word, word);
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kWords; ++i) {
        r[2 * i] = low(r[2 * i], a.w[i], a.w[i]);
        r[2 * i + 1] = high(r[2 * i + 1], a.w[i], a.w[i]);
    }
    return reduce(r);
}

template <int Times>
inline Fe times(const Fe& a) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = left<Times>(a.w[i]);
    return out;
}
inline Fe add(const Fe& a, const Fe& b) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = plus(a.w[i], b.w[i]);
    return out;
}
// a - b + M p, not carried: words of M p are over those of b, which is at most M/2 carried ones.
template <std::uint64_t M>
inline Fe sub(const Fe& a, const Fe& b) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = minus(plus(a.w[i], all(M * kP[i])), b.w[i]);
    return out;
}
inline Fe number(std::uint64_t small) {
    Fe out;
    for (auto& word : out.w) word = _mm512_setzero_si512();
    out.w[0] = all(small);
    return out;
}
inline Fe negative(const Fe& a) { return carry(sub<2>(number(0), a)); }
inline Fe choose(__mmask8 lanes, const Fe& yes, const Fe& no) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i)
        out.w[i] = _mm512_mask_mov_epi64(no.w[i], lanes, yes.w[i]);
    return out;
}

Fe load(const Numbers& from) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = _mm512_load_si512(from.words[i]);
    return out;
}
void store(const Fe& from, Numbers& to) {
    for (std::size_t i = 0; i < kWords; ++i) _mm512_store_si512(to.words[i], from.w[i]);
}
Fe same(const std::uint64_t* words) {
    Fe out;
    for (std::size_t i = 0; i < kWords; ++i) out.w[i] = all(words[i]);
    return out;
}

[[gnu::noinline]] Fe squared(Fe a, int times) {
    for (int i = 0; i < times; ++i) a = sqr(a);
    return a;
}

// a^(2^n - 1) for the runs of ones in p - 2 and (p + 1) / 4, an addition chain.
struct Runs {
    Fe x2, x22, x223;
};
Runs runs_of(const Fe& a) {
    Runs out;
    out.x2 = mul(sqr(a), a);
    const Fe x3 = mul(sqr(out.x2), a);
    const Fe x6 = mul(squared(x3, 3), x3);
    const Fe x9 = mul(squared(x6, 3), x3);
    const Fe x11 = mul(squared(x9, 2), out.x2);
    out.x22 = mul(squared(x11, 11), x11);
    const Fe x44 = mul(squared(out.x22, 22), out.x22);
    const Fe x88 = mul(squared(x44, 44), x44);
    const Fe x176 = mul(squared(x88, 88), x88);
    const Fe x220 = mul(squared(x176, 44), x44);
    out.x223 = mul(squared(x220, 3), x3);
    return out;
}
Fe inverse(const Fe& a) {
    const auto runs = runs_of(a);
    Fe out = mul(squared(runs.x223, 23), runs.x22);
    out = mul(squared(out, 5), a);
    out = mul(squared(out, 3), runs.x2);
    return mul(squared(out, 2), a);
}
Fe square_root(const Fe& a) {
    const auto runs = runs_of(a);
    const Fe out = mul(squared(runs.x223, 23), runs.x22);
    return squared(mul(squared(out, 6), runs.x2), 2);
}

struct Jacobian {
    Fe x, y, z;
};
struct Affine {
    Fe x, y;
};

[[gnu::noinline]] Jacobian twice(const Jacobian& p) {
    const Fe a = sqr(p.x), b = sqr(p.y);
    const Fe t = mul(p.x, b), c = sqr(b);
    const Fe e = carry(add(add(a, a), a));
    Jacobian out;
    out.x = carry(sub<16>(sqr(e), times<3>(t)));
    const Fe way = carry(sub<2>(times<2>(t), out.x));
    out.y = carry(sub<16>(mul(e, way), times<3>(c)));
    out.z = carry(times<1>(mul(p.y, p.z)));
    return out;
}

// p + q; z is 0 where they are the same or one is the other's negative.
[[gnu::noinline]] Jacobian sum(const Jacobian& p, const Affine& q) {
    const Fe zz = sqr(p.z);
    const Fe h = carry(sub<2>(mul(q.x, zz), p.x));
    const Fe r = carry(sub<2>(mul(mul(q.y, p.z), zz), p.y));
    const Fe hh = sqr(h);
    const Fe hhh = mul(h, hh), v = mul(p.x, hh);
    Jacobian out;
    out.x = carry(sub<8>(sqr(r), add(hhh, times<1>(v))));
    const Fe way = carry(sub<2>(v, out.x));
    out.y = carry(sub<2>(mul(r, way), mul(p.y, hhh)));
    out.z = mul(p.z, h);
    return out;
}

// A digit's point is added where the digit is not 0, its negative where the digit is below.
void accumulate(Jacobian& to, V digits, const Fe& x, const Fe& y) {
    const auto below = _mm512_movepi64_mask(digits);
    const auto some = _mm512_test_epi64_mask(digits, digits);
    const auto next = sum(to, {x, choose(below, negative(y), y)});
    to = {choose(some, next.x, to.x), choose(some, next.y, to.y), choose(some, next.z, to.z)};
}

// Multiples of R in each lane, and their images under the endomorphism (x, y) -> (beta x, y).
struct Table {
    Fe x[kTableSize], beta_x[kTableSize], y[kTableSize];
};

constexpr std::uint64_t kBeta[kWords] = {0x96c28719501ee, 0x7512f58995c13, 0xc3434e99cf049,
                                         0x07106e64479ea, 0x7ae96a2b657c};

void fill(Table& table, const Affine& r) {
    Jacobian multiples[kTableSize];
    multiples[0] = {r.x, r.y, number(1)};
    multiples[1] = twice(multiples[0]);
    for (std::size_t i = 2; i < kTableSize; ++i) multiples[i] = sum(multiples[i - 1], r);
    // All divided by their z with one inversion: products up to each, then back.
    Fe before[kTableSize];
    before[1] = multiples[1].z;
    for (std::size_t i = 2; i < kTableSize; ++i) before[i] = mul(before[i - 1], multiples[i].z);
    Fe left = inverse(before[kTableSize - 1]);
    table.x[0] = r.x;
    table.y[0] = r.y;
    for (std::size_t i = kTableSize; i-- > 1;) {
        const Fe inverse_z = i > 1 ? mul(left, before[i - 1]) : left;
        left = mul(left, multiples[i].z);
        const Fe squared_z = sqr(inverse_z);
        table.x[i] = mul(multiples[i].x, squared_z);
        table.y[i] = mul(multiples[i].y, mul(squared_z, inverse_z));
    }
    const Fe beta = same(kBeta);
    for (std::size_t i = 0; i < kTableSize; ++i) table.beta_x[i] = mul(table.x[i], beta);
}

void accumulate(Jacobian& to, V digits, const Fe* x, const Fe* y) {
    const V size = _mm512_abs_epi64(digits);
    Fe chosen_x = x[0], chosen_y = y[0];
    for (std::size_t i = 1; i < kTableSize; ++i) {
        const auto lanes = _mm512_cmpeq_epi64_mask(size, all(i + 1));
        chosen_x = choose(lanes, x[i], chosen_x);
        chosen_y = choose(lanes, y[i], chosen_y);
    }
    accumulate(to, digits, chosen_x, chosen_y);
}

void accumulate_wide(Jacobian& to, V digits, const Multiples& multiples, bool image) {
    // Where the digit is 0, the first is read and not used.
    const V index = _mm512_max_epi64(minus(_mm512_abs_epi64(digits), all(1)), all(0));
    const V word = _mm512_mullox_epi64(index, all(2 * kWords));
    Fe x, y;
    const auto* const base = multiples.of_g[0].words;
    for (std::size_t i = 0; i < kWords; ++i) {
        x.w[i] = _mm512_i64gather_epi64(word, base + i, 8);
        y.w[i] = _mm512_i64gather_epi64(word, base + kWords + i, 8);
    }
    if (image) x = mul(x, same(kBeta));
    accumulate(to, digits, x, y);
}

void square_roots(const Numbers& x, Numbers& y, Numbers& off) {
    const Fe in = load(x);
    const Fe square = carry(add(mul(sqr(in), in), number(7)));
    const Fe root = square_root(square);
    store(root, y);
    store(carry(sub<2>(square, sqr(root))), off);
}

void sums(const Multiples& multiples, const Terms& terms, Numbers& x, Numbers& y, Numbers& z) {
    Table table;
    fill(table, {load(terms.x), load(terms.y)});
    Jacobian to{same(multiples.begin.words), same(multiples.begin.words + kWords), number(1)};
    constexpr std::size_t kNarrowInWide = 3;
    for (std::size_t i = kDigits; i-- > 0;) {
        if (i + 1 < kDigits)
            for (int bit = 0; bit < 4; ++bit) to = twice(to);
        accumulate(to, _mm512_load_si512(terms.c.at[i]), table.x, table.y);
        accumulate(to, _mm512_load_si512(terms.d.at[i]), table.beta_x, table.y);
        if (i % kNarrowInWide != 0) continue;
        const auto wide = i / kNarrowInWide;
        accumulate_wide(to, _mm512_load_si512(terms.a.at[wide]), multiples, false);
        accumulate_wide(to, _mm512_load_si512(terms.b.at[wide]), multiples, true);
    }
    to = sum(to, {same(multiples.end.words), same(multiples.end.words + kWords)});
    const Fe inverse_z = inverse(to.z);
    const Fe squared_z = sqr(inverse_z);
    store(mul(to.x, squared_z), x);
    store(mul(to.y, mul(squared_z, inverse_z)), y);
    store(to.z, z);
}

}  // namespace

const Kernel kIfmaKernel{square_roots, sums};

}  // namespace mutirao::crypto::recover_lanes
#endif
