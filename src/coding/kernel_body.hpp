// The kernels over any vector type V, built once for each instruction set. V gives:
//   V::kLanes                bytes, a divisor of 64
//   V::load(p), v.store(p), v.stream(p) (past the caches, aligned), V::zero()
//   V::add(a, b), V::add(a, b, c)   XOR
//   V::Constant, V::constant(c)     whatever multiplies fast by one F8 element
//   V::mul(v, Constant)             every byte times the constant
//   V::mul(a, b)                    byte by byte
//   V::kFoldAtOnce                  coordinates of a fold whose sums fit into the registers
// Included by the kernel_*.cpp files only; everything is in an anonymous namespace on purpose, so
// that code compiled for one CPU never serves another.
#pragma once

#include <utility>

#include "coding/kernel.hpp"

namespace mutirao::coding {
namespace {

constexpr std::size_t kPlane = 64;  // bytes of low, then of high, halves in one group
constexpr std::size_t kGroup = 2 * kPlane;

#define MUTIRAO_INLINE inline __attribute__((always_inline))

// Calls f(0), ..., f(Count - 1) with constants, so that arrays indexed by them become registers.
template <std::size_t Count, class F>
MUTIRAO_INLINE void unrolled(F f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
        (f(std::integral_constant<std::size_t, I>{}), ...);
    }
    (std::make_index_sequence<Count>{});
}

// t as three F8 factors (Karatsuba over the tower): with p = t_lo * lo,
//   t * (lo + hi x) = (p + cross * hi) + (p + sum * (lo + hi)) x.
// All three are linear in t, and t = w_i is linear in i, so they come from two small tables.
struct Factors {
    F8 lo, cross, sum;
    friend constexpr Factors operator^(Factors a, Factors b) {
        return {static_cast<F8>(a.lo ^ b.lo), static_cast<F8>(a.cross ^ b.cross),
                static_cast<F8>(a.sum ^ b.sum)};
    }
};

constexpr Factors factors_of(F16 t) {
    const F8 lo = t & 0xff, hi = t >> 8;
    return {lo, mul8(kTowerConstant, hi), static_cast<F8>(lo ^ hi)};
}

struct PointFactors {
    Factors low[256], high[256];  // of w_i and w_{256 i}
};
constexpr PointFactors kPointFactors = [] {
    PointFactors out{};
    for (std::uint32_t i = 0; i < 256; ++i)
        out.low[i] = factors_of(point(i)), out.high[i] = factors_of(point(i << 8));
    return out;
}();

MUTIRAO_INLINE Factors point_factors(std::uint32_t i) {
    return kPointFactors.low[i & 0xff] ^ kPointFactors.high[i >> 8];
}

template <class V>
MUTIRAO_INLINE void multiply(V lo, V hi, const typename V::Constant (&t)[3], V& out_lo, V& out_hi) {
    const V p = V::mul(lo, t[0]);
    out_lo = V::add(p, V::mul(hi, t[1]));
    out_hi = V::add(p, V::mul(V::add(lo, hi), t[2]));
}

// The twiddles of one tile, a square of 2^Layers rows: level l (l = 0 the lowest) has
// 2^(Layers - 1 - l) of them, which begin at place 2^(Layers - 1 - l) - 1.
template <int Layers>
constexpr std::size_t twiddle_at(std::size_t level, std::size_t block) {
    return (std::size_t{1} << (Layers - 1 - static_cast<int>(level))) - 1 + block;
}

template <int Layers>
struct Twiddles {
    static constexpr std::size_t kCount = (1 << Layers) - 1;
    Factors at[kCount];
    int wide_levels;  // the lowest ones, whose twiddles lie outside of F8

    // Of the tile whose first row stands at `position`.
    MUTIRAO_INLINE Twiddles(std::uint32_t position, std::uint32_t low) : wide_levels(0) {
        for (int level = 0; level < Layers; ++level) {
            const std::uint32_t first = position >> (low + static_cast<std::uint32_t>(level));
            if (first >= 256) wide_levels = level + 1;
            const auto base = point_factors(first);
            for (std::uint32_t block = 0; block < 1u << (Layers - 1 - level); ++block)
                at[twiddle_at<Layers>(static_cast<std::size_t>(level), block)] =
                    base ^ kPointFactors.low[std::size_t{2} * block];
        }
    }
};

// All butterflies of a tile whose rows are in x: `butterfly(upper, lower, twiddle, level)`.
template <int Layers, bool Inverse, class Butterfly>
MUTIRAO_INLINE void each_butterfly(Butterfly butterfly) {
    unrolled<Layers>([&](auto step) __attribute__((always_inline)) {
        constexpr std::size_t level = Inverse ? step : Layers - 1 - step;
        constexpr std::size_t half = std::size_t{1} << level;
        unrolled<(std::size_t{1} << (Layers - 1))>([&](auto pair) __attribute__((always_inline)) {
            constexpr std::size_t block = pair / half, within = pair % half;
            constexpr std::size_t upper = block * 2 * half + within;
            butterfly(std::integral_constant<std::size_t, upper>{},
                      std::integral_constant<std::size_t, upper + half>{},
                      std::integral_constant<std::size_t, twiddle_at<Layers>(level, block)>{},
                      std::integral_constant<std::size_t, level>{});
        });
    });
}

template <class V, bool Stream>
MUTIRAO_INLINE void put(V v, std::uint8_t* p) {
    if constexpr (Stream)
        v.stream(p);
    else
        v.store(p);
}

// A tile whose twiddles all lie in F8: low and high bytes go the same way, each on its own.
template <class V, int Layers, bool Inverse, bool Stream>
inline void narrow_tile(ConstRows in, Rows out, std::size_t bytes,
                        const Twiddles<Layers>& twiddles) {
    typename V::Constant t[Twiddles<Layers>::kCount];
    unrolled<Twiddles<Layers>::kCount>([&](auto i) { t[i] = V::constant(twiddles.at[i].lo); });
    for (std::size_t at = 0; at < bytes; at += V::kLanes) {
        V x[1 << Layers];
        unrolled<(1 << Layers)>([&](auto i) { x[i] = V::load(in.row(i) + at); });
        each_butterfly<Layers, Inverse>([&](auto a, auto b, auto w, auto)
                                            __attribute__((always_inline)) {
                                                if constexpr (Inverse) {
                                                    x[b] = V::add(x[b], x[a]);
                                                    x[a] = V::add(x[a], V::mul(x[b], t[w]));
                                                } else {
                                                    x[a] = V::add(x[a], V::mul(x[b], t[w]));
                                                    x[b] = V::add(x[b], x[a]);
                                                }
                                            });
        unrolled<(1 << Layers)>([&](auto i) { put<V, Stream>(x[i], out.row(i) + at); });
    }
}

// A tile whose lowest Wide levels have twiddles outside of F8.
template <class V, int Layers, int Wide, bool Inverse, bool Stream>
inline void wide_tile(ConstRows in, Rows out, std::size_t bytes, const Twiddles<Layers>& twiddles) {
    typename V::Constant t[Twiddles<Layers>::kCount][3];
    unrolled<Twiddles<Layers>::kCount>([&](auto i) {
        const auto& f = twiddles.at[i];
        t[i][0] = V::constant(f.lo), t[i][1] = V::constant(f.cross), t[i][2] = V::constant(f.sum);
    });
    for (std::size_t group = 0; group < bytes; group += kGroup)
        for (std::size_t at = group; at < group + kPlane; at += V::kLanes) {
            V lo[1 << Layers], hi[1 << Layers];
            unrolled<(1 << Layers)>([&](auto i) {
                lo[i] = V::load(in.row(i) + at), hi[i] = V::load(in.row(i) + at + kPlane);
            });
            each_butterfly<Layers, Inverse>([&](auto a, auto b, auto w,
                                                auto level) __attribute__((always_inline)) {
                if constexpr (Inverse) {
                    lo[b] = V::add(lo[b], lo[a]);
                    hi[b] = V::add(hi[b], hi[a]);
                }
                if constexpr (level < Wide) {
                    const V p = V::mul(lo[b], t[w][0]);
                    const V q = V::mul(hi[b], t[w][1]);
                    const V r = V::mul(V::add(lo[b], hi[b]), t[w][2]);
                    lo[a] = V::add(lo[a], p, q);
                    hi[a] = V::add(hi[a], p, r);
                } else {
                    lo[a] = V::add(lo[a], V::mul(lo[b], t[w][0]));
                    hi[a] = V::add(hi[a], V::mul(hi[b], t[w][0]));
                }
                if constexpr (!Inverse) {
                    lo[b] = V::add(lo[b], lo[a]);
                    hi[b] = V::add(hi[b], hi[a]);
                }
            });
            unrolled<(1 << Layers)>([&](auto i) {
                put<V, Stream>(lo[i], out.row(i) + at),
                    put<V, Stream>(hi[i], out.row(i) + at + kPlane);
            });
        }
}

// Rows that lie far apart must be asked for early: the processor does not see what comes next.
template <std::size_t Count>
inline void prefetch(ConstRows rows, std::size_t bytes) {
    for (std::size_t i = 0; i < Count; ++i)
        for (std::size_t at = 0; at < bytes; at += kPlane)
            __builtin_prefetch(rows.row(i) + at, 0, 2);
}

// All tiles of a pass that have the same twiddles: they begin at the rows first, first + 1, ...
template <class V, int Layers, bool Inverse, bool Stream>
void same_twiddles(const Pass& pass, std::uint32_t first, const Twiddles<Layers>& twiddles) {
    const ConstRows in{nullptr, pass.in.stride << pass.low};
    const Rows out{nullptr, pass.out.stride << pass.low};
    for (std::uint32_t i = first; i < first + (1u << pass.low); ++i) {
        const ConstRows from{pass.in.row(i), in.stride};
        if (pass.ahead != 0)
            prefetch<1 << Layers>({from.data + pass.ahead, from.stride}, pass.bytes);
        const Rows to{pass.out.row(i), out.stride};
        const auto wide = [&](auto levels) __attribute__((always_inline)) {
            wide_tile<V, Layers, static_cast<int>(levels), Inverse, Stream>(from, to, pass.bytes,
                                                                            twiddles);
        };
        if (twiddles.wide_levels == 0)
            narrow_tile<V, Layers, Inverse, Stream>(from, to, pass.bytes, twiddles);
        else
            unrolled<Layers>([&](auto i) __attribute__((always_inline)) {
                if (twiddles.wide_levels == static_cast<int>(i) + 1)
                    wide(std::integral_constant<std::size_t, i + 1>{});
            });
    }
}

template <class V, bool Inverse, bool Stream>
void run_pass(const Pass& pass);

// Four layers of two planes each would need twice the registers there are: two passes of two.
template <class V, bool Inverse, bool Stream>
void four_layers_by_two(const Pass& pass, std::uint32_t first) {
    Pass part = pass;
    part.in = pass.in.from_row(first), part.out = pass.out.from_row(first);
    part.rows = 16u << pass.low, part.offset = pass.offset + first;
    part.layers = 2;
    part.low = Inverse ? pass.low : pass.low + 2;
    run_pass<V, Inverse, false>(part);
    part.in = as_const(part.out), part.ahead = 0;
    part.low = Inverse ? pass.low + 2 : pass.low;
    run_pass<V, Inverse, Stream>(part);
}

template <class V, int Layers, bool Inverse, bool Stream>
void run_layers(const Pass& pass) {
    const std::uint32_t step = (1u << Layers) << pass.low;
    for (std::uint32_t first = 0; first < pass.rows; first += step) {
        const Twiddles<Layers> twiddles(pass.offset + first, pass.low);
        if constexpr (Layers == 4) {
            if (twiddles.wide_levels > 0) {
                four_layers_by_two<V, Inverse, Stream>(pass, first);
                continue;
            }
            const ConstRows in{nullptr, pass.in.stride << pass.low};
            const Rows out{nullptr, pass.out.stride << pass.low};
            for (std::uint32_t i = first; i < first + (1u << pass.low); ++i)
                narrow_tile<V, 4, Inverse, Stream>({pass.in.row(i), in.stride},
                                                   {pass.out.row(i), out.stride}, pass.bytes,
                                                   twiddles);
        } else {
            same_twiddles<V, Layers, Inverse, Stream>(pass, first, twiddles);
        }
    }
}

template <class V, bool Inverse, bool Stream>
void run_pass(const Pass& pass) {
    if (pass.layers == 1) return run_layers<V, 1, Inverse, Stream>(pass);
    if (pass.layers == 2) return run_layers<V, 2, Inverse, Stream>(pass);
    if constexpr (V::kLayersMax >= 3) {
        if (pass.layers == 3) return run_layers<V, 3, Inverse, Stream>(pass);
        if (pass.layers == 4) return run_layers<V, 4, Inverse, Stream>(pass);
    }
    __builtin_unreachable();
}

template <class V>
void forward(const Pass& pass) {
    if (pass.stream)
        run_pass<V, false, true>(pass);
    else
        run_pass<V, false, false>(pass);
}

template <class V>
void inverse(const Pass& pass) {
    run_pass<V, true, false>(pass);
}

template <class V>
void scale(const std::uint8_t* in, std::uint8_t* out, std::size_t size, F16 t) {
    const auto f = factors_of(t);
    const typename V::Constant c[3] = {V::constant(f.lo), V::constant(f.cross), V::constant(f.sum)};
    for (std::size_t group = 0; group < size; group += kGroup)
        for (std::size_t at = group; at < group + kPlane; at += V::kLanes) {
            V lo, hi;
            multiply(V::load(in + at), V::load(in + at + kPlane), c, lo, hi);
            lo.store(out + at), hi.store(out + at + kPlane);
        }
}

template <class V>
void scale_add(const std::uint8_t* in, std::uint8_t* out, std::size_t size, F16 t) {
    const auto f = factors_of(t);
    const typename V::Constant c[3] = {V::constant(f.lo), V::constant(f.cross), V::constant(f.sum)};
    for (std::size_t group = 0; group < size; group += kGroup)
        for (std::size_t at = group; at < group + kPlane; at += V::kLanes) {
            V lo, hi;
            multiply(V::load(in + at), V::load(in + at + kPlane), c, lo, hi);
            V::add(lo, V::load(out + at)).store(out + at);
            V::add(hi, V::load(out + at + kPlane)).store(out + at + kPlane);
        }
}

template <class V>
void add(std::uint8_t* x, const std::uint8_t* y, std::size_t size) {
    for (std::size_t at = 0; at < size; at += V::kLanes)
        V::add(V::load(x + at), V::load(y + at)).store(x + at);
}

template <class V>
void stream(const std::uint8_t* in, std::uint8_t* out, std::size_t size) {
    if (reinterpret_cast<std::uintptr_t>(out) % kPlane != 0) {
        __builtin_memcpy(out, in, size);
        return;
    }
    for (std::size_t at = 0; at < size; at += V::kLanes) V::load(in + at).stream(out + at);
}

// Karatsuba sums over the whole row first: the tower reduction is linear, so once is enough.
template <class V>
void fold(const std::uint8_t* row, const std::uint8_t* challenge, std::size_t size,
          std::uint8_t* sums) {
    constexpr std::size_t kAtOnce = V::kFoldAtOnce;
    constexpr std::size_t kCoordinate = 3 * kPlane;
    for (std::size_t first = 0; first < 8; first += kAtOnce)
        for (std::size_t lane = 0; lane < kPlane; lane += V::kLanes) {
            V sum[3 * kAtOnce];
            std::uint8_t* const to = sums + first * kCoordinate + lane;
            unrolled<3 * kAtOnce>([&](auto i) { sum[i] = V::load(to + i * kPlane); });
            const std::uint8_t* h = challenge + first * kCoordinate + lane;
            for (std::size_t at = lane; at < size; at += kGroup, h += 8 * kCoordinate) {
                const V lo = V::load(row + at), hi = V::load(row + at + kPlane);
                const V part[3] = {lo, hi, V::add(lo, hi)};
                unrolled<3 * kAtOnce>([&](auto i) {
                    sum[i] = V::add(sum[i], V::mul(part[i % 3], V::load(h + i * kPlane)));
                });
            }
            unrolled<3 * kAtOnce>([&](auto i) { sum[i].store(to + i * kPlane); });
        }
}

template <class V>
constexpr Kernels make_kernels(const char* name) {
    return {name,         V::kLayersMax, forward<V>, inverse<V>, scale<V>,
            scale_add<V>, add<V>,        stream<V>,  fold<V>};
}

}  // namespace
}  // namespace mutirao::coding
