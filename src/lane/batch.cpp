#include "lane/batch.hpp"

#include <numeric>
#include <set>

#include "base/codec.hpp"
#include "crypto/bls_aggregate.hpp"
#include "crypto/hash.hpp"

namespace mutirao::lane {
namespace {

constexpr std::uint8_t kVersion = 1;             // of batches
constexpr std::uint8_t kCertificateVersion = 2;  // 1 had no `until`
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

Result<BatchStatement> read_fields(Reader& in) {
    BatchStatement out;
    TRY(out.author, in.fixed<Address>());
    TRY(out.sequence, in.u<std::uint64_t>());
    TRY(out.digest, in.fixed<Digest>());
    TRY(out.count, in.u<std::uint32_t>());
    TRY(out.bytes, in.u<std::uint32_t>());
    return out;
}

// That the bitmap is over as many keepers and names none beyond.
Status check_places(const Certificate& certificate, std::size_t keepers) {
    if (certificate.signers.size() != (keepers + 7) / 8)
        return denied("the batch's certificate is of other keepers");
    const auto places = certificate.signer_places();
    if (!places.empty() && places.back() >= keepers)
        return denied("the batch's certificate names a keeper that is none");
    return {};
}

Status check_quorum(const Keepers& keepers, std::span<const std::uint32_t> places) {
    std::uint64_t signed_votes = 0;
    for (const auto place : places) signed_votes += keepers.votes[place];
    if (signed_votes >= keepers.quorum()) return {};
    return denied("certificate under quorum: " + std::to_string(signed_votes) +
                  " of the keepers' " + std::to_string(keepers.all_votes()) + " votes signed, " +
                  std::to_string(keepers.quorum()) + " needed");
}

}  // namespace

Bytes BatchStatement::message(std::uint64_t chain_id) const {
    Writer out;
    out.raw(as_bytes("mutirao v1 batch")).u(chain_id);
    write_fields(out, *this);
    return std::move(out).take();
}

Bytes BatchStatement::kept_message(std::uint64_t chain_id, std::uint64_t until) const {
    Writer out;
    out.raw(as_bytes("mutirao v2 batch kept")).u(chain_id);
    write_fields(out, *this);
    out.u(until);
    return std::move(out).take();
}

Bytes BatchStatement::encode() const {
    Writer out;
    write_fields(out, *this);
    return std::move(out).take();
}

Result<BatchStatement> BatchStatement::decode(ByteSpan bytes) {
    Reader in(bytes);
    TRY(auto out, read_fields(in));
    TRY_VOID(in.finish());
    return out;
}

std::uint64_t Keepers::all_votes() const {
    return std::accumulate(votes.begin(), votes.end(), std::uint64_t{0});
}

Digest Keepers::id() const {
    Writer out;
    for (std::size_t i = 0; i < keys.size(); ++i) out.raw(keys[i].public_key().span()).u(votes[i]);
    return crypto::blake3_keyed(crypto::domain_key("lane keepers"), out.bytes());
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

Result<BatchStatement> Batch::verify(std::uint64_t chain_id) const {
    auto signed_statement = statement();
    TRY(const auto signer,
        crypto::recover(crypto::keccak256(signed_statement.message(chain_id)), signature));
    if (signer != author) return denied("the batch is not signed by its author");
    return signed_statement;
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

Bytes KeepRequest::encode() const { return Writer().u(until).blob(batch).bytes(); }

Result<KeepRequest> KeepRequest::decode(ByteSpan bytes) {
    Reader in(bytes);
    KeepRequest out;
    TRY(out.until, in.u<std::uint64_t>());
    TRY(const auto batch, in.blob(kBatchEncodedMax));
    out.batch = to_bytes(batch);
    TRY_VOID(in.finish());
    return out;
}

Bytes Certificate::encode() const {
    Writer out;
    out.u(kTag).u(kCertificateVersion);
    write_fields(out, batch);
    out.u(until).blob(signers).raw(signature.span());
    return std::move(out).take();
}

Result<Certificate> Certificate::decode(ByteSpan bytes) {
    Reader in(bytes);
    Certificate out;
    TRY(const auto tag, in.u<std::uint8_t>());
    TRY(const auto version, in.u<std::uint8_t>());
    if (tag != kTag || version != kCertificateVersion)
        return Error{ErrorKind::corrupt, "these bytes are no certificate of a batch"};
    TRY(out.batch, read_fields(in));
    TRY(out.until, in.u<std::uint64_t>());
    TRY(const auto signers, in.blob(kBitmapMax));
    out.signers = to_bytes(signers);
    TRY(out.signature, in.fixed<crypto::BlsSignature>());
    TRY_VOID(in.finish());
    return out;
}

std::vector<std::uint32_t> Certificate::signer_places() const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < 8 * signers.size(); ++i)
        if ((signers[i / 8] >> i % 8 & 1) != 0) out.push_back(i);
    return out;
}

Status Certificate::verify(const Keepers& keepers, std::uint64_t chain_id) const {
    TRY_VOID(check_places(*this, keepers.keys.size()));
    const auto places = signer_places();
    TRY_VOID(check_quorum(keepers, places));
    std::vector<crypto::BlsVerifiedKey> keys;
    for (const auto place : places) keys.push_back(keepers.keys[place]);
    if (!crypto::verify_aggregate(keys, batch.kept_message(chain_id, until), signature))
        return denied("the signature on the batch's certificate does not verify");
    return {};
}

bool is_certificate(ByteSpan bytes) { return !bytes.empty() && bytes[0] == Certificate::kTag; }

Result<Certificate> certify(const BatchStatement& batch, std::uint64_t until,
                            const Keepers& keepers, std::uint64_t chain_id,
                            std::span<const Acknowledgement> given) {
    std::vector<crypto::BlsVerifiedKey> keys;
    std::vector<crypto::BlsSignature> signatures;
    Certificate out{batch, until, Bytes((keepers.keys.size() + 7) / 8), {}};
    std::set<std::uint32_t> seen;
    for (const auto& each : given) {
        if (each.keeper >= keepers.keys.size() || !seen.insert(each.keeper).second)
            return Error{ErrorKind::corrupt, "an acknowledgement of keeper " +
                                                 std::to_string(each.keeper) +
                                                 ", who is none or comes twice"};
        auto& byte = out.signers[each.keeper / 8];
        byte = static_cast<std::uint8_t>(byte | 1u << each.keeper % 8);
        keys.push_back(keepers.keys[each.keeper]);
        signatures.push_back(each.signature);
    }
    TRY_VOID(check_quorum(keepers, out.signer_places()));
    if (given.size() == 1 && given[0].own) {
        out.signature = given[0].signature;
        return out;
    }
    TRY(const auto sum,
        crypto::aggregate_valid(keys, batch.kept_message(chain_id, until), signatures));
    for (const auto wrong : sum.bad) {
        const auto keeper = given[wrong].keeper;
        out.signers[keeper / 8] =
            static_cast<std::uint8_t>(out.signers[keeper / 8] & ~(1u << keeper % 8));
    }
    TRY_VOID(check_quorum(keepers, out.signer_places()));
    out.signature = sum.signature;
    return out;
}

}  // namespace mutirao::lane
