// Secret sharing whose shares can be checked by whoever gets one (Feldman, "A practical scheme for
// non-interactive verifiable secret sharing", FOCS 1987): of a polynomial over the scalars of
// BLS12-381's first group, with its coefficients shown as points. Every share that fits the points
// is of the same secret, whose point is the first. What the points tell of the secret is its
// discrete logarithm's difficulty: share random secrets only, and derive keys from them.
//
// Time does not depend on secrets. Pure; any thread. By blst.
#pragma once

#include "crypto/shamir.hpp"

namespace mutirao::crypto {

// A number below the group's order, not 0; 32 bytes, little-endian.
using Scalar = FixedBytes<struct ScalarTag, 32>;
// A point of the group other than infinity, compressed.
using GroupPoint = FixedBytes<struct GroupPointTag, 48>;

Scalar random_scalar(Random& random);
// About 0.1 ms. Wants a scalar that is one.
GroupPoint point_of(const Scalar& scalar);
// About 0.1 ms.
bool is_group_point(const GroupPoint& point);

struct VerifiableShares {
    std::vector<KeyShare> shares;    // indexes 1 to count; their bytes are little-endian numbers
    std::vector<GroupPoint> points;  // `threshold` of them, the secret's own first
};
// invalid_argument unless 1 <= threshold <= count <= 255.
Result<VerifiableShares> split_verifiably(const Scalar& secret, std::uint32_t threshold,
                                          std::uint32_t count, Random& random);

// Whether the share is of what the points show; false, too, when one of these is none. About 0.1 ms
// and as much again for each point.
bool fits(const KeyShare& share, std::span<const GroupPoint> points);

// The secret that the first `threshold` shares give, which is of no use unless these fit.
// unavailable with fewer; invalid_argument when an index is 0 or comes twice; corrupt when a share
// is no number, or the secret none.
Result<Scalar> combine_scalar(std::span<const KeyShare> shares, std::uint32_t threshold);

// A key that only the holders of the two secrets know, the same for both: BLAKE3 derive_key over
// their common point, both points (the smaller first) and `material`. `context` is a hard-coded
// sentence, unique to its use. corrupt when `peer` is no point of the group.
Result<Key> agreed_key(const Scalar& own, const GroupPoint& peer, std::string_view context,
                       ByteSpan material);

}  // namespace mutirao::crypto
