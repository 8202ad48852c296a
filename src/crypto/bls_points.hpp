// BLS keys and signatures as points, and their pairing equation. Internal to crypto. Pure; any
// thread.
#pragma once

#include <blst.h>
#include <string_view>

#include "crypto/bls.hpp"

namespace mutirao::crypto::bls_points {

// draft-irtf-cfrg-bls-signature-05 section 4.2.3, signatures in G1.
inline constexpr std::string_view kSignDomain = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
inline constexpr std::string_view kPossessionDomain = "BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

blst_p1 hash_to_group(ByteSpan message, std::string_view domain);
BlsSignature compress(const blst_p1& point);

// A point of the curve other than infinity, which may be outside the subgroup: its check is three
// quarters of the cost.
bool load_on_curve(const BlsSignature& in, blst_p1_affine& out);
bool load_signature(const BlsSignature& in, blst_p1_affine& out);  // of the subgroup, too
bool load_key(const BlsPublicKey& in, blst_p2_affine& out);
blst_p2_affine point_of(const BlsVerifiedKey& key);
blst_p2 sum_of(std::span<const BlsVerifiedKey> keys);  // at least one

// e(signature, G2) == e(hash, key), for points of the subgroups. False when the key is infinity,
// which would verify the empty statement. 1.1 ms.
bool is_signed(const blst_p1_affine& hash, const blst_p2_affine& key,
               const blst_p1_affine& signature);

inline blst_p1_affine to_affine(const blst_p1& point) {
    blst_p1_affine out;
    blst_p1_to_affine(&out, &point);
    return out;
}
inline blst_p2_affine to_affine(const blst_p2& point) {
    blst_p2_affine out;
    blst_p2_to_affine(&out, &point);
    return out;
}

}  // namespace mutirao::crypto::bls_points
