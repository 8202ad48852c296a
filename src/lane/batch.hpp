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
inline constexpr std::size_t kKeepersMax = 1024;

// What of a batch is signed.
struct BatchStatement {
    Address author;
    std::uint64_t sequence = 0;
    Digest digest;            // keyed BLAKE3 of the encoded transactions
    std::uint32_t count = 0;  // transactions
    std::uint32_t bytes = 0;  // of the encoded transactions

    bool operator==(const BatchStatement&) const = default;
    // What keepers sign, and its hash what the author signs: "mutirao v1 batch" | chain | fields.
    Bytes message(std::uint64_t chain_id) const;
};

struct Batch {
    Address author;
    std::uint64_t sequence = 0;
    std::vector<Bytes> transactions;  // in the order in which they run
    crypto::AccountSignature signature;

    BatchStatement statement() const;
    // By the author's key, which also sets `author`.
    void sign(const crypto::AccountKey& key, std::uint64_t chain_id);
    // permission_denied unless the author signed it for this chain. 50 us.
    Status verify(std::uint64_t chain_id) const;

    Bytes encode() const;
    // corrupt on anything that encode() would not have written, and over the limits.
    static Result<Batch> decode(ByteSpan bytes);
};

// Who keeps batches: each has one vote. Keys have shown possession.
struct Keepers {
    std::vector<crypto::BlsVerifiedKey> keys;

    // More than two thirds: with less than a third of liars, an honest one among any two quorums,
    // so that no number of an author's is certified twice.
    std::size_t quorum() const { return keys.size() * 2 / 3 + 1; }
};

// That a quorum of keepers stores the batch.
struct Certificate {
    // No transaction begins with it: types end at 0x7f (EIP-2718) and lists begin at 0xc0.
    static constexpr std::uint8_t kTag = 0xba;

    BatchStatement batch;
    Bytes signers;  // bitmap over the keepers: keeper i is bit i%8 of byte i/8
    crypto::BlsSignature signature;

    // 122 bytes and the bitmap.
    Bytes encode() const;
    static Result<Certificate> decode(ByteSpan bytes);
    // permission_denied under the quorum, and when the signature is not theirs. 1.2 ms.
    Status verify(const Keepers& keepers, std::uint64_t chain_id) const;
};

// Whether bytes among transactions are meant to be a certificate.
bool is_certificate(ByteSpan bytes);

// One keeper's signature.
struct Acknowledgement {
    std::uint32_t keeper = 0;  // place among the keepers
    crypto::BlsSignature signature;
};
// The certificate of a batch from signatures of strangers: wrong ones are left out. corrupt when
// there is a keeper that is none or comes twice; permission_denied when good ones are under quorum.
Result<Certificate> certify(const BatchStatement& batch, const Keepers& keepers,
                            std::uint64_t chain_id, std::span<const Acknowledgement> given);

}  // namespace mutirao::lane
