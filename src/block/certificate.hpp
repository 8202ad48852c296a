// The availability certificate: the only thing that consensus sees of a block. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "block/statement.hpp"
#include "crypto/bls.hpp"

namespace mutirao::block {

inline constexpr std::uint32_t kMembersMax = 4096;
// What this chain asks for: available_slots of the wide profile for a third of liars.
inline constexpr std::uint32_t kAvailableSlots = (2 * kSlotCount + 2) / 3;

struct Fraction {
    std::uint32_t numerator, denominator;
};

// How many slots must be signed when at most the fraction `liars` (beta, of the slots) signs what
// it does not hold. protocol.md section 5, with rho = k/n. Exact, rounded up.
//   available_slots: (rho + beta) of them. Honest signers hold k checked rows, so some content can
//     be decoded.
//   strong_slots: ((1 + rho)/2 + beta) of them. Honest signers hold n - floor((n-k)/2) checked
//     rows, so the content is the only one and every honest row agrees with it, but for the
//     probability that docs/explanation/security.md names, and recover_content gives it.
// invalid_argument for a fraction that is none, a shape that is none, and when more slots than
// there are would have to be signed.
Result<std::uint32_t> available_slots(const Header& header, Fraction liars);
Result<std::uint32_t> strong_slots(const Header& header, Fraction liars);

struct Certificate {
    BlockId id;
    Digest header_digest;
    crypto::KzgCommitment commitment;
    std::uint64_t length = 0;  // bytes of content; what fees are counted by
    std::uint64_t epoch = 0;   // membership that the signers belong to
    crypto::KzgValue value;    // leaf_value: what C must open to, as the signers know
    crypto::KzgProof opening;  // open_leaves: that it does; not signed, it shows itself
    Bytes signers;             // bitmap over the epoch's members: member i is bit i%8 of byte i/8
    crypto::BlsSignature signature;  // aggregate over availability_message

    // 262 bytes plus the bitmap.
    Bytes encode() const;
    static Result<Certificate> decode(ByteSpan bytes);

    bool signed_by(std::uint32_t member) const;
    bool operator==(const Certificate&) const = default;
};

// What a node signs: "mutirao v1 avail" | chain | epoch | id | header digest | C | length | value.
// The id already binds the last four, but the ledger, which never sees the statement, must be able
// to rely on them: it prices by length, audits against C, and sees by the value that C is right.
Bytes availability_message(std::uint64_t chain_id, const Certificate& certificate);

// The certificate for a statement, without signatures and opening. 0.05 ms.
Certificate certificate_for(const Statement& statement, std::uint64_t epoch);

// Whether those with these keys have signed the certificate, and C opens to what they signed. Who
// they are and whether they are enough is for the caller. permission_denied otherwise. 2.5 ms.
Status verify_certificate(const Certificate& certificate, std::uint64_t chain_id,
                          std::span<const crypto::BlsVerifiedKey> signers);

// Whether each is so, checked together; false says nothing about a single one. True for none. 2 ms,
// 0.5 ms for each different list of signers, and 0.4 ms for each certificate.
struct CertificateOf {
    Certificate certificate;
    std::vector<crypto::BlsVerifiedKey> signers;
};
bool verify_certificates(std::span<const CertificateOf> certificates, std::uint64_t chain_id);

// Bitmap of `members` bits with the given ones set.
Bytes signer_bitmap(std::uint32_t members, std::span<const std::uint32_t> signers);
// The set bits, ascending; corrupt when the bitmap's size is not that for `members` or a bit past
// the end is set.
Result<std::vector<std::uint32_t>> signers_in(ByteSpan bitmap, std::uint32_t members);

}  // namespace mutirao::block
