// Hashing to G1 in eight lanes.
#include "crypto/g1_lanes.hpp"

#if defined(__x86_64__)
#include <iterator>

#include "crypto/g1_lanes_ifma.hpp"
#include "crypto/hash_to_g1_constants.hpp"

namespace mutirao::crypto::g1_lanes {
namespace {

using namespace hash_constants;

// a b + c d
[[gnu::noinline]] Fe sum_of_products(const Fe& a, const Fe& b, const Fe& c, const Fe& d) {
    return carry(reduce(total(product(a, b), product(c, d))));
}

// The high 96 bits weigh 2^416, which is R.
Fe read(const LongNumbers& from) {
    Fe lower, upper = same(kZeros);
    for (std::size_t i = 0; i < kWords; ++i) lower.w[i] = _mm512_load_si512(from.words[i]);
    for (std::size_t i = 0; i < 2; ++i) upper.w[i] = _mm512_load_si512(from.words[kWords + i]);
    return sum_of_products(lower, same(kRSquared), upper, same(kRCubed));
}

__mmask8 is_odd(const Fe& a) {
    return _mm512_test_epi64_mask(converted(a, kPlainOne).w[0], all(1));
}

// The simplified SWU map, as RFC 9380 appendix F.2 has it, to a point of E'. Its x is a fraction,
// whose denominator becomes z: 0 in the case apart.
CurvePoint map_to_isogenous(const Fe& u) {
    const Fe u_squared = sqr(u);
    const Fe t = mul(u_squared, same(kEleven));
    const Fe s = carry(add(sqr(t), t));
    const Fe below = mul(s, same(kMinusA));
    const Fe first = mul(carry(add(s, same(kR))), same(kB));
    // The curve's right side at first / below is v / w.
    const Fe below_squared = sqr(below), w = mul(below, below_squared);
    const Fe inner = carry(add(sqr(first), mul(below_squared, same(kA))));
    const Fe v = sum_of_products(inner, first, w, same(kB));
    const Fe v_w = mul(v, w);
    const Fe root = mul(inverse_root(mul(v_w, sqr(w))), v_w);  // of v / w, where it has one
    const auto is_root = is_zero(carry(sub<2>(mul(sqr(root), w), v)));
    // Else the right side at t first / below has one, which is this one.
    const Fe other = mul(mul(root, same(kRootOfMinusElevenCubed)), mul(u, u_squared));
    const Fe x = choose(is_root, first, mul(t, first));
    Fe y = choose(is_root, root, other);
    y = choose(is_odd(u) ^ is_odd(y), carry(sub<2>(same(kZeros), y)), y);
    return {mul(x, below), mul(carry(doubled(y)), w), below};
}

// The polynomial of `degree` at x / d, times d^degree; powers[i] is d^i.
Fe polynomial(const std::uint64_t (*coefficients)[kWords], std::size_t degree, const Fe& leading,
              const Fe& x, const Fe* powers) {
    Fe out = leading;
    for (std::size_t i = degree; i-- > 0;)
        out = sum_of_products(out, x, same(coefficients[i]), powers[degree - i]);
    return out;
}

// Infinity for points that the isogeny takes there.
CurvePoint to_curve(const CurvePoint& p) {
    constexpr std::size_t kXDegree = std::size(kXAbove) - 1, kYDegree = std::size(kYAbove) - 1;
    constexpr std::size_t kBelowDegree = std::size(kBelow);
    static_assert(kXDegree == 2 * kBelowDegree + 1 && kYDegree == 3 * kBelowDegree);
    Fe powers[kYDegree + 1];
    powers[1] = sqr(p.z);
    for (std::size_t i = 2; i <= kYDegree; ++i)
        powers[i] = i % 2 == 0 ? sqr(powers[i / 2]) : mul(powers[i - 1], powers[1]);
    const auto leading_x = same(kXAbove[kXDegree]), leading_y = same(kYAbove[kYDegree]);
    const Fe below = polynomial(kBelow, kBelowDegree, same(kR), p.x, powers);
    return {polynomial(kXAbove, kXDegree, leading_x, p.x, powers),
            mul(p.twice_y, polynomial(kYAbove, kYDegree, leading_y, p.x, powers)), mul(p.z, below)};
}

}  // namespace

// Sums of points that are alike, the case apart of SWU and infinity all leave a z of 0.
std::uint8_t hash_ifma(const LongNumbers drawn[2], Jacobian& out) {
    const CurvePoint point =
        to_curve(sum(map_to_isogenous(read(drawn[0])), map_to_isogenous(read(drawn[1]))));
    const CurvePoint hash = sum(times_z(point), point);  // times 1 - z clears the cofactor
    store(converted(hash.x, kBlstR), out.x);
    store(converted(hash.twice_y, kHalfBlstR), out.y);
    store(converted(hash.z, kBlstR), out.z);
    return static_cast<std::uint8_t>(~is_zero(hash.z));
}

}  // namespace mutirao::crypto::g1_lanes
#endif
