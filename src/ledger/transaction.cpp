#include "ledger/transaction.hpp"

#include "crypto/hash.hpp"
#include "ledger/rlp.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint8_t kType = 2;

rlp::Writer body_of(const Transaction& tx) {
    rlp::Writer out;
    out.number(tx.chain_id).number(tx.nonce).number(tx.max_priority_fee.wei());
    out.number(tx.max_fee.wei()).number(tx.gas_limit).bytes(tx.to.span());
    out.number(tx.value.wei()).bytes(tx.data).raw(rlp::list(tx.access_list));
    return out;
}

Bytes envelope(const rlp::Writer& items) {
    Bytes out{kType};
    const auto list = rlp::list(items.view());
    out.insert(out.end(), list.begin(), list.end());
    return out;
}

Result<std::uint64_t> number64(rlp::Reader& in, const char* name) {
    TRY(auto value, in.number());
    if (value >> 64 != 0)
        return Error{ErrorKind::invalid_argument,
                     std::string("the transaction's ") + name + " is over 2^64-1"};
    return static_cast<std::uint64_t>(value);
}

// A signature word: up to 32 big-endian bytes without leading zeros.
template <class Word>
Result<Word> signature_word(rlp::Reader& in) {
    TRY(auto bytes, in.bytes());
    if (bytes.size() > 32 || (!bytes.empty() && bytes[0] == 0))
        return Error{ErrorKind::corrupt, "the transaction's signature is malformed"};
    Word out;
    std::copy(bytes.begin(), bytes.end(),
              out.bytes.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    return out;
}

void write_signature_word(rlp::Writer& out, ByteSpan word) {
    while (!word.empty() && word[0] == 0) word = word.subspan(1);
    out.bytes(word);
}

// Each entry is [address, [32-byte keys]].
Status check_access_list(rlp::Reader in) {
    while (!in.done()) {
        TRY(auto entry, in.list());
        TRY(auto address, entry.bytes());
        TRY(auto keys, entry.list());
        TRY_VOID(entry.finish());
        if (address.size() != Address::kSize)
            return Error{ErrorKind::corrupt, "the access list names a malformed address"};
        while (!keys.done()) {
            TRY(auto key, keys.bytes());
            if (key.size() != 32)
                return Error{ErrorKind::corrupt, "the access list names a malformed key"};
        }
    }
    return {};
}

}  // namespace

Digest Transaction::signing_hash() const { return crypto::keccak256(envelope(body_of(*this))); }

Digest Transaction::hash(ByteSpan raw) { return crypto::keccak256(raw); }

Bytes Transaction::encode() const {
    auto items = body_of(*this);
    items.number(signature.y_parity);
    write_signature_word(items, signature.r.span());
    write_signature_word(items, signature.s.span());
    return envelope(items);
}

Result<Transaction> Transaction::decode(ByteSpan raw) {
    if (raw.empty() || raw.size() > kTransactionSizeMax)
        return Error{ErrorKind::invalid_argument, "a transaction has 1 to " +
                                                      std::to_string(kTransactionSizeMax) +
                                                      " bytes, not " + std::to_string(raw.size())};
    if (raw[0] != kType) {
        const std::string what = raw[0] >= 0xc0 ? "legacy" : "type " + std::to_string(raw[0]);
        return Error{ErrorKind::unimplemented,
                     what + " transactions are not built yet; send an EIP-1559 (type 2) one"};
    }
    rlp::Reader outer(raw.subspan(1));
    TRY(auto in, outer.list());
    TRY_VOID(outer.finish());
    Transaction tx;
    TRY(tx.chain_id, number64(in, "chain id"));
    TRY(tx.nonce, number64(in, "nonce"));
    TRY(auto priority, in.number());
    TRY(auto fee, in.number());
    tx.max_priority_fee = Amount(priority);
    tx.max_fee = Amount(fee);
    TRY(tx.gas_limit, number64(in, "gas limit"));
    TRY(auto to, in.bytes());
    if (to.empty())
        return Error{ErrorKind::unimplemented,
                     "contracts cannot be deployed: there is no EVM on this ledger yet"};
    TRY(tx.to, Address::from_bytes(to));
    TRY(auto value, in.number());
    tx.value = Amount(value);
    TRY(auto data, in.bytes());
    tx.data = to_bytes(data);
    TRY(auto access, in.list());
    TRY_VOID(check_access_list(access));
    rlp::Writer kept;
    while (!access.done()) {
        TRY(auto entry, access.list());
        TRY(auto address, entry.bytes());
        TRY(auto keys, entry.list());
        rlp::Writer key_items, items;
        while (!keys.done()) {
            TRY(auto key, keys.bytes());
            key_items.bytes(key);
        }
        items.bytes(address).raw(rlp::list(key_items.view()));
        kept.raw(rlp::list(items.view()));
    }
    tx.access_list = std::move(kept).take();
    TRY(auto parity, number64(in, "signature parity"));
    if (parity > 1)
        return Error{ErrorKind::corrupt, "the transaction's signature parity is not 0 or 1"};
    tx.signature.y_parity = static_cast<std::uint8_t>(parity);
    TRY(tx.signature.r, signature_word<decltype(tx.signature.r)>(in));
    TRY(tx.signature.s, signature_word<decltype(tx.signature.s)>(in));
    TRY_VOID(in.finish());
    return tx;
}

}  // namespace mutirao::ledger
