#include "ledger/evidence.hpp"

#include "crypto/hash.hpp"

namespace mutirao::ledger {
namespace {

// A memo serves one chain, whose epochs never change once they are closed.
Digest claim_of(const char* kind, ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key(kind), bytes);
}
Digest claim_of(const block::Certificate& certificate) {
    return claim_of("claim certificate", certificate.encode());
}

// A certificate that is not known to be good, with the keys of its signers. nullopt for one that
// is, and for one that cannot be.
std::optional<block::CertificateOf> unknown(Memo& memo, const block::Certificate& certificate) {
    const auto committee = memo.known_committee(certificate.epoch);
    if (committee == nullptr || memo.is_good(claim_of(certificate))) return std::nullopt;
    const auto count = static_cast<std::uint32_t>(committee->epoch.members.size());
    const auto members = block::signers_in(certificate.signers, count);
    if (!members.ok()) return std::nullopt;
    auto keys = keys_of(memo, *committee, *members);
    if (!keys.ok()) return std::nullopt;
    return block::CertificateOf{certificate, std::move(*keys)};
}

}  // namespace

Result<std::vector<crypto::BlsVerifiedKey>> keys_of(Memo& memo, const Committee& committee,
                                                    std::span<const std::uint32_t> members) {
    std::vector<crypto::BlsVerifiedKey> out;
    for (const auto member : members) {
        TRY(const auto key, memo.key(committee.epoch.members[member].bls_key));
        out.push_back(key);
    }
    return out;
}

Status verify_voucher(Memo& memo, std::uint64_t chain_id, const Voucher& voucher) {
    const auto claim = claim_of("claim voucher", voucher.encode());
    if (memo.is_good(claim)) return {};
    TRY_VOID(voucher.verify(chain_id));
    memo.remember_good(claim);
    return {};
}

Status verify_signed(Memo& memo, std::uint64_t chain_id, const block::Certificate& certificate,
                     const Committee& committee, std::span<const std::uint32_t> members) {
    const auto claim = claim_of(certificate);
    if (memo.is_good(claim)) return {};
    TRY(const auto keys, keys_of(memo, committee, members));
    TRY_VOID(block::verify_certificate(certificate, chain_id, keys));
    memo.remember_good(claim);
    return {};
}

void verify_together(Memo& memo, std::uint64_t chain_id,
                     std::span<const block::Certificate> certificates) {
    std::vector<block::CertificateOf> asked;
    for (const auto& certificate : certificates)
        if (auto one = unknown(memo, certificate)) asked.push_back(std::move(*one));
    const bool all = block::verify_certificates(asked, chain_id);
    for (const auto& [certificate, keys] : asked)
        if (all || block::verify_certificate(certificate, chain_id, keys).ok())
            memo.remember_good(claim_of(certificate));
}

}  // namespace mutirao::ledger
