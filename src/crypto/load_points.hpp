// Points of G1 from their compressed bytes, many at once. Internal to crypto. Pure; any thread; in
// variable time, for public points only.
#pragma once

#include <blst.h>
#include <span>
#include <vector>

#include "crypto/g1_lanes.hpp"

namespace mutirao::crypto {

using CompressedPoint = std::span<const std::uint8_t, 48>;

// Of each, whether it is a point of the prime-order subgroup; infinity is one. Such a point stands
// in its place of `out`, which has one for each. Exactly what blst_p1_uncompress and
// blst_p1_affine_in_g1 say and give, eight side by side where the processor has AVX-512's IFMA.
// There 13 us each when eight or more, and 100 us for up to eight; elsewhere 75 us each.
std::vector<bool> load_points(std::span<const CompressedPoint> compressed,
                              std::span<blst_p1_affine> out,
                              const g1_lanes::Kernel* lanes = g1_lanes::kernel());

}  // namespace mutirao::crypto
