#include "block/certificate.hpp"

#include "base/codec.hpp"
#include "crypto/joint_check.hpp"

namespace mutirao::block {
namespace {

constexpr std::uint16_t kVersion = 2;  // of the certificate's bytes, whatever the block's profile

// m * (rows / (2n) + liars), rounded up: how many slots so many half rows and the liars make. Every
// factor is below 2^32 and the shape's limits keep the products below 2^60.
Result<std::uint32_t> threshold(const Header& header, std::uint64_t half_rows, Fraction liars) {
    if (liars.denominator == 0 || liars.numerator > liars.denominator)
        return Error{ErrorKind::invalid_argument, std::to_string(liars.numerator) + "/" +
                                                      std::to_string(liars.denominator) +
                                                      " is no fraction of the slots"};
    const std::uint64_t all = 2 * std::uint64_t{header.rows} * liars.denominator;
    const std::uint64_t wanted =
        half_rows * liars.denominator + 2 * std::uint64_t{header.rows} * liars.numerator;
    const std::uint64_t slots = (header.slots * wanted + all - 1) / all;
    if (slots > header.slots)
        return Error{ErrorKind::invalid_argument,
                     std::to_string(slots) + " of " + std::to_string(header.slots) +
                         " slots would have to be signed: no certificate says so much with " +
                         std::to_string(liars.numerator) + "/" + std::to_string(liars.denominator) +
                         " of liars"};
    return static_cast<std::uint32_t>(slots);
}

Status check_shape(const Header& header) {
    TRY_VOID(header.shape().validate());
    if (header.slots != kSlotCount)
        return Error{ErrorKind::invalid_argument,
                     "a block of " + std::to_string(header.slots) + " slots"};
    return {};
}

}  // namespace

Result<std::uint32_t> available_slots(const Header& header, Fraction liars) {
    TRY_VOID(check_shape(header));
    return threshold(header, 2 * std::uint64_t{header.data_rows}, liars);
}

Result<std::uint32_t> strong_slots(const Header& header, Fraction liars) {
    TRY_VOID(check_shape(header));
    return threshold(header, std::uint64_t{header.rows} + header.data_rows, liars);
}

Bytes Certificate::encode() const {
    Writer out;
    out.u(kVersion).raw(id.span()).raw(header_digest.span()).raw(commitment.span());
    out.u(length).u(epoch).raw(value.span()).raw(opening.span());
    out.blob(signers).raw(signature.span());
    return std::move(out).take();
}

Result<Certificate> Certificate::decode(ByteSpan bytes) {
    Reader in(bytes);
    Certificate out;
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kVersion)
        return Error{ErrorKind::corrupt,
                     "certificate version " + std::to_string(version) + " is not known"};
    TRY(out.id, in.fixed<BlockId>());
    TRY(out.header_digest, in.fixed<Digest>());
    TRY(out.commitment, in.fixed<crypto::KzgCommitment>());
    TRY(out.length, in.u<std::uint64_t>());
    TRY(out.epoch, in.u<std::uint64_t>());
    TRY(out.value, in.fixed<crypto::KzgValue>());
    TRY(out.opening, in.fixed<crypto::KzgProof>());
    TRY(auto signers, in.blob(kMembersMax / 8));
    out.signers = to_bytes(signers);
    TRY(out.signature, in.fixed<crypto::BlsSignature>());
    TRY_VOID(in.finish());
    return out;
}

bool Certificate::signed_by(std::uint32_t member) const {
    return member / 8 < signers.size() && (signers[member / 8] >> (member % 8) & 1) != 0;
}

Bytes availability_message(std::uint64_t chain_id, const Certificate& certificate) {
    Writer out;
    out.raw(as_bytes("mutirao v1 avail")).u(chain_id).u(certificate.epoch);
    out.raw(certificate.id.span()).raw(certificate.header_digest.span());
    out.raw(certificate.commitment.span()).u(certificate.length).raw(certificate.value.span());
    return std::move(out).take();
}

Certificate certificate_for(const Statement& statement, std::uint64_t epoch) {
    Certificate out;
    out.id = statement.id();
    out.header_digest = statement.header.digest();
    out.commitment = statement.commitment;
    out.length = statement.header.length;
    out.epoch = epoch;
    out.value = leaf_value(statement, out.id);
    return out;
}

Status verify_certificate(const Certificate& certificate, std::uint64_t chain_id,
                          std::span<const crypto::BlsVerifiedKey> signers) {
    if (!crypto::verify_aggregate(signers, availability_message(chain_id, certificate),
                                  certificate.signature))
        return Error{ErrorKind::permission_denied, "the certificate's signature does not verify"};
    if (!check_opening(certificate.id, certificate.commitment, certificate.value,
                       certificate.opening))
        return Error{ErrorKind::permission_denied,
                     "the certificate's commitment is not shown to be what was signed for"};
    return {};
}

bool verify_certificates(std::span<const CertificateOf> certificates, std::uint64_t chain_id) {
    std::vector<crypto::AggregateClaim> claims;
    std::vector<crypto::PointOpening> openings;
    for (const auto& [certificate, signers] : certificates) {
        claims.push_back(
            {signers, availability_message(chain_id, certificate), certificate.signature});
        openings.push_back({certificate.commitment, commitment_challenge(certificate.id),
                            certificate.value, certificate.opening});
    }
    return crypto::verify_jointly(claims, openings);
}

Bytes signer_bitmap(std::uint32_t members, std::span<const std::uint32_t> signers) {
    Bytes bitmap((members + 7) / 8, 0);
    for (const auto member : signers) {
        ENSURE(member < members, "a signer outside the membership");
        bitmap[member / 8] = static_cast<std::uint8_t>(bitmap[member / 8] | 1u << member % 8);
    }
    return bitmap;
}

Result<std::vector<std::uint32_t>> signers_in(ByteSpan bitmap, std::uint32_t members) {
    if (bitmap.size() != (members + 7) / 8)
        return Error{ErrorKind::corrupt, "a signer bitmap of " + std::to_string(bitmap.size()) +
                                             " bytes does not fit " + std::to_string(members) +
                                             " members"};
    std::vector<std::uint32_t> signers;
    for (std::uint32_t i = 0; i < bitmap.size() * 8; ++i) {
        if ((bitmap[i / 8] >> (i % 8) & 1) == 0) continue;
        if (i >= members)
            return Error{ErrorKind::corrupt, "signer bit " + std::to_string(i) +
                                                 " is past the last of " + std::to_string(members) +
                                                 " members"};
        signers.push_back(i);
    }
    return signers;
}

}  // namespace mutirao::block
