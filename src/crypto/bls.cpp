#include "crypto/bls.hpp"

#include <cstring>
#include <vector>

#include "crypto/bls_points.hpp"

namespace mutirao::crypto {
namespace {

using namespace bls_points;

blst_scalar load_scalar(const std::array<std::uint8_t, 32>& little_endian) {
    blst_scalar out;
    blst_scalar_from_lendian(&out, little_endian.data());
    return out;
}

BlsSignature sign_with(const blst_scalar& secret, ByteSpan message, std::string_view domain) {
    const blst_p1 hash = hash_to_group(message, domain);
    blst_p1 signature;
    blst_sign_pk_in_g2(&signature, &hash, &secret);
    return compress(signature);
}

bool verify_points(const blst_p2_affine& key, const blst_p1_affine& signature, ByteSpan message,
                   std::string_view domain) {
    return is_signed(to_affine(hash_to_group(message, domain)), key, signature);
}

bool verify_sum(const blst_p2& keys, ByteSpan message, const BlsSignature& aggregate) {
    blst_p1_affine signature;
    return load_signature(aggregate, signature) &&
           verify_points(to_affine(keys), signature, message, kSignDomain);
}

Result<blst_p2_affine> checked_point(const BlsPublicKey& key) {
    blst_p2_affine point;
    if (!load_key(key, point))
        return Error{ErrorKind::corrupt, "the BLS key is no point of the group"};
    return point;
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

Result<BlsVerifiedKey> BlsVerifiedKey::possession_shown(const BlsPublicKey& key) {
    TRY(const auto point, checked_point(key));
    BlsVerifiedKey out;
    static_assert(sizeof point == sizeof out.point_);
    std::memcpy(out.point_.data(), &point, sizeof point);
    return out;
}

Result<BlsVerifiedKey> BlsVerifiedKey::verify(const BlsPublicKey& key,
                                              const BlsSignature& possession) {
    if (!verify_possession(key, possession))
        return Error{ErrorKind::corrupt, "the BLS key's owner has not shown possession"};
    return possession_shown(key);
}

BlsPublicKey BlsVerifiedKey::public_key() const {
    const auto point = point_of(*this);
    BlsPublicKey out;
    blst_p2_affine_compress(out.bytes.data(), &point);
    return out;
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
    blst_p2 sum{};
    for (const auto& key : keys) {
        blst_p2_affine point;
        if (!load_key(key, point)) return false;
        blst_p2_add_or_double_affine(&sum, &sum, &point);
    }
    return verify_sum(sum, message, aggregate);
}

bool verify_aggregate(std::span<const BlsVerifiedKey> keys, ByteSpan message,
                      const BlsSignature& aggregate) {
    return !keys.empty() && verify_sum(sum_of(keys), message, aggregate);
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
    return compress(sum);
}

}  // namespace mutirao::crypto
