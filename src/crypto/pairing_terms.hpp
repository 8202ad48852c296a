// What many claims come to under weights, before any pairing. Internal to crypto; pure, any thread.
#pragma once

#include <blst.h>
#include <optional>
#include <span>
#include <vector>

#include "crypto/bls_batch.hpp"
#include "crypto/drawn_weights.hpp"
#include "crypto/kzg.hpp"

namespace mutirao::crypto::pairing_terms {

// All hold if e(signature, G2) = product of e(hashes[i], keys[i]).
struct OfAggregates {
    blst_p1_affine signature;
    std::vector<blst_p1_affine> hashes;
    std::vector<blst_p2_affine> keys;
};
// nullopt when one of them cannot hold. At least one; as many weights.
std::optional<OfAggregates> of(std::span<const AggregateClaim> claims,
                               std::span<const Weight> weights);

// All hold if e(with_g2, G2) = e(with_tau, [tau]G2).
struct OfOpenings {
    blst_p1 with_g2, with_tau;
};
std::optional<OfOpenings> of(std::span<const PointOpening> openings,
                             std::span<const Weight> weights);

// All that they say, to draw weights by.
Bytes statement_of(std::span<const AggregateClaim> claims);
Bytes statement_of(std::span<const PointOpening> openings);

}  // namespace mutirao::crypto::pairing_terms
