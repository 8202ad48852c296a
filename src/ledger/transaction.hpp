// EIP-1559 transactions (EIP-2718 type 2): what any Ethereum wallet signs. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "crypto/account.hpp"
#include "ledger/amount.hpp"

namespace mutirao::ledger {

inline constexpr std::size_t kTransactionSizeMax = 128 * 1024;  // bytes

struct Transaction {
    std::uint64_t chain_id = 0;
    std::uint64_t nonce = 0;
    Amount max_priority_fee;  // wei a gas
    Amount max_fee;           // wei a gas
    std::uint64_t gas_limit = 0;
    Address to;
    Amount value;
    Bytes data;
    Bytes access_list;  // RLP items of the list, kept as they are; they buy nothing here
    crypto::AccountSignature signature;

    // keccak256(0x02 | rlp(everything but the signature)).
    Digest signing_hash() const;
    void sign(const crypto::AccountKey& key) { signature = key.sign(signing_hash()); }
    // The signer's address; about 50 us.
    Result<Address> sender() const { return crypto::recover(signing_hash(), signature); }

    Bytes encode() const;
    // keccak256(encode()): the transaction's hash.
    static Digest hash(ByteSpan raw);

    // corrupt on malformed bytes; invalid_argument or unimplemented, saying what, for other types
    // and for contract creation.
    static Result<Transaction> decode(ByteSpan raw);
};

}  // namespace mutirao::ledger
