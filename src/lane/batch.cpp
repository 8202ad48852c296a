#include "lane/batch.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/bls_aggregate.hpp"
#include "crypto/hash.hpp"

namespace mutirao::lane {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kBitmapMax = kKeepersMax / 8;

Error denied(std::string why) { return {ErrorKind::permission_denied, std::move(why)}; }

Bytes encoded(const std::vector<Bytes>& transactions) {
    Writer out;
    out.u(static_cast<std::uint32_t>(transactions.size()));
    for (const auto& raw : transactions) out.blob(raw);
    return std::move(out).take();
}

void write_fields(Writer& out, const BatchStatement& batch) {
    out.raw(batch.author.span()).u(batch.sequence).raw(batch.digest.span());
    out.u(batch.count).u(batch.bytes);
}

Result<std::vector<std::uint32_t>> places_in(ByteSpan bitmap, std::size_t keepers) {
    std::vector<std::uint32_t> out;
    if (bitmap.size() != (keepers + 7) / 8)
        return denied("the batch's certificate is of other keepers");
    for (std::uint32_t i = 0; i < 8 * bitmap.size(); ++i) {
        if ((bitmap[i / 8] >> i % 8 & 1) == 0) continue;
        if (i >= keepers) return denied("the batch's certificate names a keeper that is none");
        out.push_back(i);
    }
    return out;
}

Error under_quorum(std::size_t signers, const Keepers& keepers) {
    return denied("certificate under quorum: " + std::to_string(signers) + " of " +
                  std::to_string(keepers.keys.size()) + " keepers signed, " +
                  std::to_string(keepers.quorum()) + " needed");
}

}  // namespace

Bytes BatchStatement::message(std::uint64_t chain_id) const {
    Writer out;
    out.raw(as_bytes("mutirao v1 batch")).u(chain_id);
    write_fields(out, *this);
    return std::move(out).take();
}

BatchStatement Batch::statement() const {
    const auto body = encoded(transactions);
    return {author, sequence, crypto::blake3_keyed(crypto::domain_key("lane batch"), body),
            static_cast<std::uint32_t>(transactions.size()),
            static_cast<std::uint32_t>(body.size())};
}

void Batch::sign(const crypto::AccountKey& key, std::uint64_t chain_id) {
    author = key.address();
    signature = key.sign(crypto::keccak256(statement().message(chain_id)));
}

Status Batch::verify(std::uint64_t chain_id) const {
    TRY(const auto signer,
        crypto::recover(crypto::keccak256(statement().message(chain_id)), signature));
    if (signer != author) return denied("the batch is not signed by its author");
    return {};
}

Bytes Batch::encode() const {
    Writer out;
    out.u(kVersion).raw(author.span()).u(sequence).raw(signature.to_bytes());
    out.raw(encoded(transactions));
    return std::move(out).take();
}

Result<Batch> Batch::decode(ByteSpan bytes) {
    Reader in(bytes);
    Batch out;
    TRY(const auto version, in.u<std::uint8_t>());
    if (version != kVersion)
        return Error{ErrorKind::corrupt,
                     "batch version " + std::to_string(version) + " is not known"};
    TRY(out.author, in.fixed<Address>());
    TRY(out.sequence, in.u<std::uint64_t>());
    TRY(const auto signature, in.raw(crypto::AccountSignature::kSize));
    TRY(out.signature, crypto::AccountSignature::from_bytes(signature));
    TRY(const auto count, in.u<std::uint32_t>());
    if (count == 0 || count > kBatchTransactionsMax)
        return Error{ErrorKind::corrupt,
                     "a batch has 1 to " + std::to_string(kBatchTransactionsMax) + " transactions"};
    std::size_t left = kBatchBytesMax;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(const auto raw, in.blob(left));
        left -= raw.size();
        out.transactions.push_back(to_bytes(raw));
    }
    TRY_VOID(in.finish());
    return out;
}

Bytes Certificate::encode() const {
    Writer out;
    out.u(kTag).u(kVersion);
    write_fields(out, batch);
    out.blob(signers).raw(signature.span());
    return std::move(out).take();
}

Result<Certificate> Certificate::decode(ByteSpan bytes) {
    Reader in(bytes);
    Certificate out;
    TRY(const auto tag, in.u<std::uint8_t>());
    TRY(const auto version, in.u<std::uint8_t>());
    if (tag != kTag || version != kVersion)
        return Error{ErrorKind::corrupt, "these bytes are no certificate of a batch"};
    TRY(out.batch.author, in.fixed<Address>());
    TRY(out.batch.sequence, in.u<std::uint64_t>());
    TRY(out.batch.digest, in.fixed<Digest>());
    TRY(out.batch.count, in.u<std::uint32_t>());
    TRY(out.batch.bytes, in.u<std::uint32_t>());
    TRY(const auto signers, in.blob(kBitmapMax));
    out.signers = to_bytes(signers);
    TRY(out.signature, in.fixed<crypto::BlsSignature>());
    TRY_VOID(in.finish());
    return out;
}

Status Certificate::verify(const Keepers& keepers, std::uint64_t chain_id) const {
    TRY(const auto places, places_in(signers, keepers.keys.size()));
    if (places.size() < keepers.quorum()) return under_quorum(places.size(), keepers);
    std::vector<crypto::BlsVerifiedKey> keys;
    for (const auto place : places) keys.push_back(keepers.keys[place]);
    if (!crypto::verify_aggregate(keys, batch.message(chain_id), signature))
        return denied("the signature on the batch's certificate does not verify");
    return {};
}

bool is_certificate(ByteSpan bytes) { return !bytes.empty() && bytes[0] == Certificate::kTag; }

Result<Certificate> certify(const BatchStatement& batch, const Keepers& keepers,
                            std::uint64_t chain_id, std::span<const Acknowledgement> given) {
    if (given.size() < keepers.quorum()) return under_quorum(given.size(), keepers);
    std::vector<crypto::BlsVerifiedKey> keys;
    std::vector<crypto::BlsSignature> signatures;
    Certificate out{batch, Bytes((keepers.keys.size() + 7) / 8), {}};
    for (const auto& each : given) {
        auto& byte = out.signers[std::min<std::size_t>(each.keeper / 8, out.signers.size() - 1)];
        const auto bit = static_cast<std::uint8_t>(1u << each.keeper % 8);
        if (each.keeper >= keepers.keys.size() || (byte & bit) != 0)
            return Error{ErrorKind::corrupt, "an acknowledgement of keeper " +
                                                 std::to_string(each.keeper) +
                                                 ", who is none or comes twice"};
        byte = static_cast<std::uint8_t>(byte | bit);
        keys.push_back(keepers.keys[each.keeper]);
        signatures.push_back(each.signature);
    }
    TRY(const auto sum, crypto::aggregate_valid(keys, batch.message(chain_id), signatures));
    for (const auto wrong : sum.bad) {
        const auto keeper = given[wrong].keeper;
        out.signers[keeper / 8] =
            static_cast<std::uint8_t>(out.signers[keeper / 8] & ~(1u << keeper % 8));
    }
    const auto good = given.size() - sum.bad.size();
    if (good < keepers.quorum()) return under_quorum(good, keepers);
    out.signature = sum.signature;
    return out;
}

}  // namespace mutirao::lane
