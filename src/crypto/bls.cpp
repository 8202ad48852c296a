#include "crypto/bls.hpp"

#include <blst.h>

namespace mutirao::crypto {
namespace {

// draft-irtf-cfrg-bls-signature-05 section 4.2.3, signatures in G1.
constexpr std::string_view kSignDomain = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
constexpr std::string_view kPossessionDomain = "BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

blst_scalar load_scalar(const std::array<std::uint8_t, 32>& little_endian) {
    blst_scalar out;
    blst_scalar_from_lendian(&out, little_endian.data());
    return out;
}

blst_p1 hash_to_group(ByteSpan message, std::string_view domain) {
    blst_p1 out;
    const auto tag = as_bytes(domain);
    blst_hash_to_g1(&out, message.data(), message.size(), tag.data(), tag.size(), nullptr, 0);
    return out;
}

BlsSignature sign_with(const blst_scalar& secret, ByteSpan message, std::string_view domain) {
    const blst_p1 hash = hash_to_group(message, domain);
    blst_p1 signature;
    blst_sign_pk_in_g2(&signature, &hash, &secret);
    BlsSignature out;
    blst_p1_compress(out.bytes.data(), &signature);
    return out;
}

// A point of the group other than infinity.
bool load_signature(const BlsSignature& in, blst_p1_affine& out) {
    return blst_p1_uncompress(&out, in.bytes.data()) == BLST_SUCCESS &&
           !blst_p1_affine_is_inf(&out) && blst_p1_affine_in_g1(&out);
}

bool load_key(const BlsPublicKey& in, blst_p2_affine& out) {
    return blst_p2_uncompress(&out, in.bytes.data()) == BLST_SUCCESS &&
           !blst_p2_affine_is_inf(&out) && blst_p2_affine_in_g2(&out);
}

bool verify_points(const blst_p2_affine& key, const blst_p1_affine& signature, ByteSpan message,
                   std::string_view domain) {
    const auto tag = as_bytes(domain);
    return blst_core_verify_pk_in_g2(&key, &signature, true, message.data(), message.size(),
                                     tag.data(), tag.size(), nullptr, 0) == BLST_SUCCESS;
}

}  // namespace

Result<BlsSecretKey> BlsSecretKey::generate(ByteSpan secret_material) {
    if (secret_material.size() < 32)
        return Error{ErrorKind::invalid_argument, "a BLS key needs at least 32 secret bytes"};
    blst_scalar scalar;
    blst_keygen(&scalar, secret_material.data(), secret_material.size(), nullptr, 0);
    BlsSecretKey out;
    blst_lendian_from_scalar(out.scalar_.data(), &scalar);
    return out;
}

Result<BlsSecretKey> BlsSecretKey::from_bytes(ByteSpan bytes) {
    if (bytes.size() != 32)
        return Error{ErrorKind::invalid_argument, "a BLS secret key has 32 bytes"};
    blst_scalar scalar;
    blst_scalar_from_bendian(&scalar, bytes.data());
    if (!blst_sk_check(&scalar))
        return Error{ErrorKind::invalid_argument,
                     "the BLS secret key is zero or not below the group order"};
    BlsSecretKey out;
    blst_lendian_from_scalar(out.scalar_.data(), &scalar);
    return out;
}

FixedBytes<struct BlsSecretTag, 32> BlsSecretKey::to_bytes() const {
    FixedBytes<struct BlsSecretTag, 32> out;
    const auto scalar = load_scalar(scalar_);
    blst_bendian_from_scalar(out.bytes.data(), &scalar);
    return out;
}

BlsPublicKey BlsSecretKey::public_key() const {
    const auto scalar = load_scalar(scalar_);
    blst_p2 point;
    blst_sk_to_pk_in_g2(&point, &scalar);
    BlsPublicKey out;
    blst_p2_compress(out.bytes.data(), &point);
    return out;
}

BlsSignature BlsSecretKey::sign(ByteSpan message) const {
    return sign_with(load_scalar(scalar_), message, kSignDomain);
}

BlsSignature BlsSecretKey::prove_possession() const {
    return sign_with(load_scalar(scalar_), public_key().span(), kPossessionDomain);
}

bool verify_possession(const BlsPublicKey& key, const BlsSignature& proof) {
    blst_p2_affine point;
    blst_p1_affine signature;
    return load_key(key, point) && load_signature(proof, signature) &&
           verify_points(point, signature, key.span(), kPossessionDomain);
}

bool verify(const BlsPublicKey& key, ByteSpan message, const BlsSignature& signature) {
    return verify_aggregate({&key, 1}, message, signature);
}

bool verify_aggregate(std::span<const BlsPublicKey> keys, ByteSpan message,
                      const BlsSignature& aggregate) {
    blst_p1_affine signature;
    if (keys.empty() || !load_signature(aggregate, signature)) return false;
    blst_p2 sum{};
    for (const auto& key : keys) {
        blst_p2_affine point;
        if (!load_key(key, point)) return false;
        blst_p2_add_or_double_affine(&sum, &sum, &point);
    }
    blst_p2_affine total;
    blst_p2_to_affine(&total, &sum);
    // Keys that cancel out would verify the empty statement.
    return !blst_p2_affine_is_inf(&total) && verify_points(total, signature, message, kSignDomain);
}

Result<BlsSignature> aggregate(std::span<const BlsSignature> signatures) {
    if (signatures.empty())
        return Error{ErrorKind::invalid_argument, "there is no signature to aggregate"};
    blst_p1 sum{};
    for (const auto& signature : signatures) {
        blst_p1_affine point;
        if (!load_signature(signature, point))
            return Error{ErrorKind::corrupt, "a signature is no point of the group"};
        blst_p1_add_or_double_affine(&sum, &sum, &point);
    }
    BlsSignature out;
    blst_p1_compress(out.bytes.data(), &sum);
    return out;
}

}  // namespace mutirao::crypto
