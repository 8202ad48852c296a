#include "ledger/orders.hpp"

#include "crypto/hash.hpp"
#include "ledger/abi.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::string_view kDomainType =
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
constexpr std::string_view kOrderType =
    "Order(address account,address to,uint256 value,bytes data,uint256 fee,uint64 nonce,uint64 "
    "deadlineMs)";

Digest hash_of(std::string_view text) { return crypto::keccak256(as_bytes(text)); }

// keccak256 of a struct's type and members, each one word (EIP-712, encodeData).
Digest struct_hash(abi::Writer words) {
    const auto encoded = std::move(words).take();
    return crypto::keccak256(ByteSpan(encoded).subspan(abi::kSelectorSize));
}

}  // namespace

Digest order_domain(std::uint64_t chain_id) {
    abi::Writer out("domain()");
    out.bytes32(hash_of(kDomainType).span()).bytes32(hash_of("Mutirao").span());
    out.bytes32(hash_of("1").span()).number(chain_id).address(module::orders());
    return struct_hash(std::move(out));
}

Digest Order::hash(std::uint64_t chain_id) const {
    abi::Writer out("order()");
    out.bytes32(hash_of(kOrderType).span()).address(account).address(to).number(value.wei());
    out.bytes32(crypto::keccak256(data).span()).number(fee.wei()).number(nonce);
    out.number(deadline_ms);
    const auto body = struct_hash(std::move(out));
    mutirao::Writer message;
    message.raw(Bytes{0x19, 0x01}).raw(order_domain(chain_id).span()).raw(body.span());
    return crypto::keccak256(message.bytes());
}

namespace key {
Bytes order_key(const Address& account, const Address& signer) {
    return tagged(Tag::order_key, account.span(), signer.span());
}
Bytes order_keys(const Address& account) { return tagged(Tag::order_key, account.span()); }
}  // namespace key

Call relay(const Order& order) {
    // r | s | v, with v as wallets write it.
    auto signature = order.signature.to_bytes();
    signature.back() = static_cast<std::uint8_t>(signature.back() + 27);
    abi::Writer out(signature::kRelay);
    out.address(order.account).address(order.to).number(order.value.wei()).bytes(order.data);
    out.number(order.fee.wei()).number(order.nonce).number(order.deadline_ms).bytes(signature);
    return {module::orders(), {}, std::move(out).take()};
}

Call authorise(const Address& signer, const SignerLimits& limits) {
    abi::Writer out(signature::kAuthorise);
    out.address(signer).address(limits.to).number(limits.limit.wei()).number(limits.expires_ms);
    return {module::orders(), {}, std::move(out).take()};
}

Call revoke_signer(const Address& signer) {
    abi::Writer out(signature::kRevokeSigner);
    out.address(signer);
    return {module::orders(), {}, std::move(out).take()};
}

Call cancel_orders(std::uint64_t next_nonce) {
    abi::Writer out(signature::kCancelOrders);
    out.number(next_nonce);
    return {module::orders(), {}, std::move(out).take()};
}

Result<OrderKey> order_key_of(const StateView& state, const Address& account,
                              const Address& signer) {
    TRY(auto found, read<OrderKey>(state, key::order_key(account, signer)));
    if (found) return std::move(*found);
    OrderKey none;
    none.account = account;
    none.signer = signer;
    return none;
}

}  // namespace mutirao::ledger
