#include "ledger/transaction.hpp"

#include "crypto/hash.hpp"
#include "ledger/rlp.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint8_t kListHead = 0xc0;   // a legacy transaction is a list from its first byte on
constexpr std::uint64_t kLegacyBase = 35;  // EIP-155: v = 35 + 2 * chain id + parity

bool is_legacy(const Transaction& tx) { return tx.type == TransactionType::legacy; }

rlp::Writer body_of(const Transaction& tx) {
    rlp::Writer out;
    if (!is_legacy(tx)) out.number(tx.chain_id);
    out.number(tx.nonce);
    if (tx.type == TransactionType::fee_market) out.number(tx.max_priority_fee.wei());
    out.number(tx.max_fee.wei()).number(tx.gas_limit).bytes(tx.to.span());
    out.number(tx.value.wei()).bytes(tx.data);
    if (!is_legacy(tx)) out.raw(rlp::list(tx.access_list));
    return out;
}

Bytes envelope(TransactionType type, const rlp::Writer& items) {
    Bytes out;
    out.reserve(items.view().size() + 10);
    if (type != TransactionType::legacy) out.push_back(static_cast<std::uint8_t>(type));
    rlp::append_list(out, items.view());
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

// Reads the list and writes it anew: what is kept is canonical.
Result<Bytes> read_access_list(rlp::Reader access) {
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
    return std::move(kept).take();
}

// What comes before the signature.
Status read_body(rlp::Reader& in, Transaction& tx) {
    if (!is_legacy(tx)) {
        TRY(tx.chain_id, number64(in, "chain id"));
    }
    TRY(tx.nonce, number64(in, "nonce"));
    TRY(auto first_fee, in.number());
    tx.max_priority_fee = tx.max_fee = Amount(first_fee);
    if (tx.type == TransactionType::fee_market) {
        TRY(auto fee, in.number());
        tx.max_fee = Amount(fee);
    }
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
    if (is_legacy(tx)) return {};
    TRY(auto access, in.list());
    TRY(tx.access_list, read_access_list(access));
    return {};
}

Status read_parity(rlp::Reader& in, Transaction& tx) {
    TRY(const auto v, in.number());
    if (!is_legacy(tx)) {
        if (v > 1)
            return Error{ErrorKind::corrupt, "the transaction's signature parity is not 0 or 1"};
        tx.signature.y_parity = static_cast<std::uint8_t>(v);
        return {};
    }
    if (v == 27 || v == 28)
        return Error{ErrorKind::invalid_argument,
                     "only replay-protected (EIP-155) transactions are taken: this one names no "
                     "chain, so others could send it anywhere"};
    if (v < kLegacyBase || (v - kLegacyBase) / 2 >> 64 != 0)
        return Error{ErrorKind::corrupt, "the transaction's signature has an unknown v"};
    tx.chain_id = static_cast<std::uint64_t>((v - kLegacyBase) / 2);
    tx.signature.y_parity = static_cast<std::uint8_t>((v - kLegacyBase) % 2);
    return {};
}

Result<TransactionType> type_of(std::uint8_t first) {
    if (first >= kListHead) return TransactionType::legacy;
    if (first == 1 || first == 2) return static_cast<TransactionType>(first);
    const std::string kind = first == 3   ? "blob transactions (type 3)"
                             : first == 4 ? "transactions that delegate an account (type 4)"
                                          : "transactions of type " + std::to_string(first);
    return Error{ErrorKind::unimplemented, "transaction type not supported: this ledger takes no " +
                                               kind + "; send type 0 (EIP-155), 1 or 2"};
}

}  // namespace

Bytes Transaction::signed_bytes() const {
    auto items = body_of(*this);
    if (is_legacy(*this)) items.number(chain_id).number(0).number(0);
    return envelope(type, items);
}

Digest Transaction::signing_hash() const { return crypto::keccak256(signed_bytes()); }

Digest Transaction::hash(ByteSpan raw) { return crypto::keccak256(raw); }

Bytes Transaction::encode() const {
    auto items = body_of(*this);
    items.number(is_legacy(*this) ? u128{chain_id} * 2 + kLegacyBase + signature.y_parity
                                  : u128{signature.y_parity});
    write_signature_word(items, signature.r.span());
    write_signature_word(items, signature.s.span());
    return envelope(type, items);
}

Result<Transaction> Transaction::decode(ByteSpan raw) {
    if (raw.empty() || raw.size() > kTransactionSizeMax)
        return Error{ErrorKind::invalid_argument, "a transaction has 1 to " +
                                                      std::to_string(kTransactionSizeMax) +
                                                      " bytes, not " + std::to_string(raw.size())};
    Transaction tx;
    TRY(tx.type, type_of(raw[0]));
    rlp::Reader outer(is_legacy(tx) ? raw : raw.subspan(1));
    TRY(auto in, outer.list());
    TRY_VOID(outer.finish());
    TRY_VOID(read_body(in, tx));
    TRY_VOID(read_parity(in, tx));
    TRY(tx.signature.r, signature_word<decltype(tx.signature.r)>(in));
    TRY(tx.signature.s, signature_word<decltype(tx.signature.s)>(in));
    TRY_VOID(in.finish());
    return tx;
}

}  // namespace mutirao::ledger
