#include "crypto/bls_points.hpp"

#include <cstring>

namespace mutirao::crypto::bls_points {

blst_p1 hash_to_group(ByteSpan message, std::string_view domain) {
    blst_p1 out;
    const auto tag = as_bytes(domain);
    blst_hash_to_g1(&out, message.data(), message.size(), tag.data(), tag.size(), nullptr, 0);
    return out;
}

BlsSignature compress(const blst_p1& point) {
    BlsSignature out;
    blst_p1_compress(out.bytes.data(), &point);
    return out;
}

bool load_on_curve(const BlsSignature& in, blst_p1_affine& out) {
    return blst_p1_uncompress(&out, in.bytes.data()) == BLST_SUCCESS &&
           !blst_p1_affine_is_inf(&out);
}

bool load_signature(const BlsSignature& in, blst_p1_affine& out) {
    return load_on_curve(in, out) && blst_p1_affine_in_g1(&out);
}

bool load_key(const BlsPublicKey& in, blst_p2_affine& out) {
    return blst_p2_uncompress(&out, in.bytes.data()) == BLST_SUCCESS &&
           !blst_p2_affine_is_inf(&out) && blst_p2_affine_in_g2(&out);
}

blst_p2_affine point_of(const BlsVerifiedKey& key) {
    blst_p2_affine out;
    static_assert(sizeof out == sizeof key.point());
    std::memcpy(&out, key.point().data(), sizeof out);
    return out;
}

blst_p2 sum_of(std::span<const BlsVerifiedKey> keys) {
    std::vector<blst_p2_affine> points;
    for (const auto& key : keys) points.push_back(point_of(key));
    // One array, not one pointer each.
    const blst_p2_affine* const list[2] = {points.data(), nullptr};
    blst_p2 sum;
    blst_p2s_add(&sum, list, points.size());
    return sum;
}

// As one product, e(signature, -G2) * e(hash, key) == 1: its squarings are shared.
bool is_signed(const blst_p1_affine& hash, const blst_p2_affine& key,
               const blst_p1_affine& signature) {
    if (blst_p2_affine_is_inf(&key) || blst_p1_affine_is_inf(&signature)) return false;
    static const blst_p2_affine minus_g2 = [] {
        blst_p2 out = *blst_p2_generator();
        blst_p2_cneg(&out, true);
        return to_affine(out);
    }();
    const blst_p1_affine* const in_g1[2] = {&signature, &hash};
    const blst_p2_affine* const in_g2[2] = {&minus_g2, &key};
    blst_fp12 product;
    blst_miller_loop_n(&product, in_g2, in_g1, 2);
    blst_final_exp(&product, &product);
    return blst_fp12_is_one(&product);
}

}  // namespace mutirao::crypto::bls_points
