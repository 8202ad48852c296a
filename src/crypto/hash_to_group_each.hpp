// Points of G1 that many messages hash to. Internal to crypto. Pure; any thread; in variable time,
// for public messages only.
#pragma once

#include <blst.h>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "crypto/g1_lanes.hpp"

namespace mutirao::crypto {

// One for each message, exactly what bls_points::hash_to_group gives; eight side by side where the
// processor has AVX-512's IFMA: in a fifth of the time there, when there are many.
std::vector<blst_p1_affine> hash_each_to_group(std::span<const ByteSpan> messages,
                                               std::string_view domain,
                                               const g1_lanes::Kernel* lanes = g1_lanes::kernel());

}  // namespace mutirao::crypto
