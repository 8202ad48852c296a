// Transactions as Ethereum wallets sign them: legacy with a chain id (EIP-155), with an access list
// (EIP-2930) and with a fee market (EIP-1559), in EIP-2718's envelopes. Blob and authority
// transactions (types 3 and 4) and contract creation are refused by name. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "crypto/account.hpp"
#include "ledger/amount.hpp"

namespace mutirao::ledger {

inline constexpr std::size_t kTransactionSizeMax = 128 * 1024;  // bytes

// The envelope's first byte; a legacy transaction has none.
enum class TransactionType : std::uint8_t { legacy = 0, access_list = 1, fee_market = 2 };

struct Transaction {
    TransactionType type = TransactionType::fee_market;
    std::uint64_t chain_id = 0;
    std::uint64_t nonce = 0;
    // Wei a gas. Types 0 and 1 have one gas price, which is both.
    Amount max_priority_fee;
    Amount max_fee;
    std::uint64_t gas_limit = 0;
    Address to;
    Amount value;
    Bytes data;
    // RLP items of the list, kept as they are; they buy nothing here. Legacy ones have none.
    Bytes access_list;
    crypto::AccountSignature signature;

    // keccak256 of what is encoded, without the signature; a legacy one ends in (chain id, 0, 0).
    Digest signing_hash() const;
    Bytes signed_bytes() const;  // whose hash that is
    void sign(const crypto::AccountKey& key) { signature = key.sign(signing_hash()); }
    // The signer's address; about 50 us. permission_denied on a high s.
    Result<Address> sender() const { return crypto::recover(signing_hash(), signature); }

    Bytes encode() const;
    // keccak256(encode()): the transaction's hash.
    static Digest hash(ByteSpan raw);

    // corrupt on malformed bytes; unimplemented, saying what, for other types and for contract
    // creation; invalid_argument for a legacy one that any chain would take.
    static Result<Transaction> decode(ByteSpan raw);
};

}  // namespace mutirao::ledger
