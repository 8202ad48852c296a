#include "ledger/evidence.hpp"

#include "crypto/hash.hpp"
#include "crypto/recover_each.hpp"
#include "ledger/voucher_hash.hpp"

namespace mutirao::ledger {
namespace {

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

Digest claim_of(const Voucher& voucher) {
    return crypto::blake3_keyed(crypto::domain_key("claim voucher"), voucher.encode());
}
Digest claim_of(const block::Certificate& certificate) {
    return crypto::blake3_keyed(crypto::domain_key("claim certificate"), certificate.encode());
}

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
    const auto claim = claim_of(voucher);
    if (memo.is_good(claim)) return {};
    TRY_VOID(voucher.verify(chain_id));
    memo.remember_good(claim);
    return {};
}

void verify_vouchers(Memo& memo, std::uint64_t chain_id, std::span<const Voucher> vouchers) {
    std::vector<crypto::SignedHash> asked;
    std::vector<std::pair<Address, Digest>> expected;  // the key, and the claim that it signed
    for (const auto& voucher : vouchers) {
        const auto claim = claim_of(voucher);
        if (memo.is_good(claim)) continue;
        const auto encoded = voucher.encode();
        const auto body = ByteSpan(encoded).first(encoded.size() - crypto::AccountSignature::kSize);
        asked.push_back({voucher_hash(body, chain_id), voucher.signature});
        expected.emplace_back(voucher.key, claim);
    }
    const auto signers = crypto::recover_each(asked);
    std::vector<Digest> good;
    for (std::size_t i = 0; i < signers.size(); ++i)
        if (signers[i].ok() && *signers[i] == expected[i].first) good.push_back(expected[i].second);
    memo.remember_good(good);
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

namespace {

// Leaves the good ones in the memo. Halves what does not hold as a whole.
void verify_halving(Memo& memo, std::uint64_t chain_id,
                    std::span<const block::CertificateOf> asked) {
    if (asked.empty()) return;
    if (block::verify_certificates(asked, chain_id)) {
        for (const auto& [certificate, keys] : asked) memo.remember_good(claim_of(certificate));
    } else if (asked.size() > 1) {
        verify_halving(memo, chain_id, asked.first(asked.size() / 2));
        verify_halving(memo, chain_id, asked.subspan(asked.size() / 2));
    }
}

}  // namespace

void verify_together(Memo& memo, std::uint64_t chain_id,
                     std::span<const block::Certificate> certificates) {
    std::vector<block::CertificateOf> asked;
    for (const auto& certificate : certificates)
        if (auto one = unknown(memo, certificate)) asked.push_back(std::move(*one));
    verify_halving(memo, chain_id, asked);
}

}  // namespace mutirao::ledger
