// The kernel for AVX-512 IFMA, and what it loads points by.
#include "crypto/g1_lanes.hpp"

#if defined(__x86_64__)
#include "crypto/g1_lanes_ifma.hpp"

namespace mutirao::crypto::g1_lanes {
namespace {

constexpr std::uint64_t kFour[kWords] = {0xc203aa3a7e6bb, 0x99c5b63f91e5d, 0xec2218e49b9f5,
                                         0xb47d6b297d25b, 0x36f29b533dd05, 0xaac3b92d6d85a,
                                         0x25d100f5559b6, 0x5208};
// A cube root of one: (x, y) -> (beta x, y) is the endomorphism that multiplies G1 by -z^2.
constexpr std::uint64_t kBeta[kWords] = {0xd75aaff33455f, 0xd095356b7cbb6, 0x953a2f6fa079f,
                                         0x1080cf0a3d697, 0x3f7de3465fe7c, 0x1f71fd6896ec,
                                         0xd9dd9cc172747, 0x7d91};

// By Scott, "A note on group membership tests" (eprint 2021/1130): whether the endomorphism takes P
// to -z^2 P. The difference of both is an endomorphism of degree z^4 - z^2 + 1, which is the
// group's order: it takes the group's points to infinity, and no others. Where two points that were
// added had been alike, z is 0, and P of an order far below the group's.
__mmask8 is_in_group(const Fe& x, const Fe& twice_y) {
    const auto multiple = times_z(times_z({x, twice_y, same(kR)}));
    const Fe zz = sqr(multiple.z);
    const Fe off_x = carry(sub<2>(multiple.x, mul(mul(x, same(kBeta)), zz)));
    const Fe off_y = carry(add(multiple.twice_y, mul(twice_y, mul(multiple.z, zz))));
    return static_cast<__mmask8>(is_zero(off_x) & is_zero(off_y) & ~is_zero(multiple.z));
}

std::uint8_t load(const Numbers& x, std::uint8_t larger, Affine& out) {
    const Fe in = mul(read(x), same(kRSquared));
    const Fe y_squared = carry(add(mul(sqr(in), in), same(kFour)));
    const Fe y = mul(y_squared, inverse_root(y_squared));
    const auto on_curve = is_zero(carry(sub<2>(y_squared, sqr(y))));
    const auto found_larger = less_p(carry(doubled(converted(y, kPlainOne)))).fits;
    const auto other = static_cast<__mmask8>(found_larger ^ larger);
    const Fe out_y = converted(y, kBlstR);
    store(converted(in, kBlstR), out.x);
    store(choose(other, carry(sub(same(kP), out_y)), out_y), out.y);
    return static_cast<std::uint8_t>(on_curve & is_in_group(in, carry(doubled(y))));
}

}  // namespace

const Kernel kIfmaKernel{load, hash_ifma};

}  // namespace mutirao::crypto::g1_lanes
#endif
