// A batch of signed transactions, which travels beside consensus, and the certificate that stands
// for it inside (the shape of Narwhal, arXiv:2105.11827, and Autobahn, arXiv:2401.10369). Its
// author numbers its batches 0, 1, 2, ...; keepers store a batch before they sign for it, and sign
// for one batch of each number only. docs/reference/lane.md has the bytes. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "crypto/account.hpp"
#include "crypto/bls.hpp"

namespace mutirao::lane {

inline constexpr std::size_t kBatchTransactionsMax = 1000;
inline constexpr std::size_t kBatchBytesMax = 256 << 10;  // of its transactions
// Of a whole one, as it is encoded: a length for each transaction, and the head.
inline constexpr std::size_t kBatchEncodedMax = kBatchBytesMax + 4 * kBatchTransactionsMax + 256;
inline constexpr std::size_t kKeepersMax = 1024;

// What of a batch is signed.
struct BatchStatement {
    Address author;
    std::uint64_t sequence = 0;
    Digest digest;            // keyed BLAKE3 of the encoded transactions
    std::uint32_t count = 0;  // transactions
    std::uint32_t bytes = 0;  // of the encoded transactions

    bool operator==(const BatchStatement&) const = default;
    // Its hash is what the author signs: "mutirao v1 batch" | chain | fields.
    Bytes message(std::uint64_t chain_id) const;
    // What keepers sign: "mutirao v2 batch kept" | chain | fields | until. Until the block of that
    // height they keep it for whatever block names it; no later one may.
    Bytes kept_message(std::uint64_t chain_id, std::uint64_t until) const;

    Bytes encode() const;
    static Result<BatchStatement> decode(ByteSpan bytes);
};

struct Batch {
    Address author;
    std::uint64_t sequence = 0;
    std::vector<Bytes> transactions;  // in the order in which they run
    crypto::AccountSignature signature;

    BatchStatement statement() const;
    // By the author's key, which also sets `author`.
    void sign(const crypto::AccountKey& key, std::uint64_t chain_id);
    // Its statement; permission_denied unless the author signed that for this chain. 50 us.
    Result<BatchStatement> verify(std::uint64_t chain_id) const;

    Bytes encode() const;
    // corrupt on anything that encode() would not have written, and over the limits.
    static Result<Batch> decode(ByteSpan bytes);
};

// What one keeper asks another: to keep an encoded batch for blocks up to a height.
struct KeepRequest {
    std::uint64_t until = 0;
    Bytes batch;

    Bytes encode() const;
    static Result<KeepRequest> decode(ByteSpan bytes);
};

// Who keeps batches, with the votes that each has. Keys have shown possession.
struct Keepers {
    std::vector<crypto::BlsVerifiedKey> keys;
    std::vector<std::uint64_t> votes;  // of each; together less than 2^62

    std::uint64_t all_votes() const;
    // Votes, more than two thirds: with less than a third of liars, an honest one among any two
    // quorums, so that no number of an author's is certified twice.
    std::uint64_t quorum() const { return all_votes() * 2 / 3 + 1; }
    // Of keys and votes: what was found out about these keepers holds for no others.
    Digest id() const;
};

// That a quorum of keepers stores the batch.
struct Certificate {
    // No transaction begins with it: types end at 0x7f (EIP-2718) and lists begin at 0xc0.
    static constexpr std::uint8_t kTag = 0xba;

    BatchStatement batch;
    std::uint64_t until = 0;  // height of the last block that may name it
    Bytes signers;            // bitmap over the keepers: keeper i is bit i%8 of byte i/8
    crypto::BlsSignature signature;

    // 130 bytes and the bitmap.
    Bytes encode() const;
    static Result<Certificate> decode(ByteSpan bytes);
    // permission_denied under the quorum, and when the signature is not theirs. 1.2 ms. Whether it
    // comes too late is for whoever knows the height.
    Status verify(const Keepers& keepers, std::uint64_t chain_id) const;
    // Places of those who signed, as far as the bitmap names any.
    std::vector<std::uint32_t> signer_places() const;
};

// Whether bytes among transactions are meant to be a certificate.
bool is_certificate(ByteSpan bytes);

// One keeper's signature.
struct Acknowledgement {
    std::uint32_t keeper = 0;  // place among the keepers
    crypto::BlsSignature signature;
    bool own = false;  // made here, with that keeper's key
};
// The certificate of a batch from signatures of strangers on kept_message(chain_id, until): wrong
// ones are left out. corrupt when there is a keeper that is none or comes twice; permission_denied
// when good ones are under quorum. One's own alone is not looked at; else 1 ms.
Result<Certificate> certify(const BatchStatement& batch, std::uint64_t until,
                            const Keepers& keepers, std::uint64_t chain_id,
                            std::span<const Acknowledgement> given);

}  // namespace mutirao::lane
