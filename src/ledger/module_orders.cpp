// Orders: who signed, what the signer may do, and doing it.
#include "ledger/modules.hpp"
#include "ledger/orders.hpp"

namespace mutirao::ledger {
namespace {

// A call by order has a nonce that no transaction of the account has: ids are made of it.
constexpr std::uint64_t kOrderNonces = std::uint64_t{1} << 63;

Result<crypto::AccountSignature> signature_in(abi::Reader& in) {
    TRY(auto bytes, in.bytes(crypto::AccountSignature::kSize));
    if (bytes.size() != crypto::AccountSignature::kSize)
        return refused("a signature has 65 bytes: r, s, v");
    if (bytes.back() >= 27) bytes.back() = static_cast<std::uint8_t>(bytes.back() - 27);
    return crypto::AccountSignature::from_bytes(bytes);
}

Result<Order> order_in(abi::Reader in) {
    Order out;
    TRY(out.account, in.address());
    TRY(out.to, in.address());
    TRY(const auto value, in.number());
    out.value = Amount(value);
    TRY(out.data, in.bytes(kOrderDataMax));
    TRY(const auto fee, in.number());
    out.fee = Amount(fee);
    TRY(out.nonce, in.number64());
    TRY(out.deadline_ms, in.number64());
    TRY(out.signature, signature_in(in));
    return out;
}

// What a session key's order takes off its limit.
Status spend(const Context& context, const Order& order, OrderKey& key) {
    if (context.time_ms >= key.expires_ms)
        return denied("the signer may not, or no more, act for the account");
    if (order.to != key.to) return denied("the signer may not call this address for the account");
    TRY(const auto more, order.value.plus(order.fee));
    TRY(const auto left, key.limit.minus(key.spent));
    if (more > left)
        return Error{ErrorKind::insufficient_funds, "the signer may still spend " + left.text() +
                                                        " of the account's, the order "
                                                        "asks for " +
                                                        more.text()};
    TRY(key.spent, key.spent.plus(more));
    return {};
}

// The call, as if the account had sent it.
Status perform(Context& context, const Order& order, const Digest& about) {
    Context inner{context.state,
                  context.genesis,
                  context.memo,
                  context.height,
                  context.time_ms,
                  order.account,
                  kOrderNonces | order.nonce,
                  order.value};
    if (!is_module(order.to))
        return pay(inner, order.account, order.to, order.value, Reason::transfer, about);
    TRY_VOID(pay(inner, order.account, order.to, order.value, reason_of_value(order.to), about));
    TRY_VOID(execute(inner, order.to, order.data));
    context.created = inner.created;
    return {};
}

Status relay(Context& context, abi::Reader in) {
    TRY(const auto order, order_in(in));
    if (context.time_ms > order.deadline_ms) return refused("the order's deadline has passed");
    // One order in another could nest without end.
    if (order.to == module::orders() &&
        abi::selector_of(order.data) == abi::selector(signature::kRelay))
        return refused("an order does not relay another");
    const Digest about = order.hash(context.genesis.chain_id);
    TRY(const auto signer, order.signer(context.genesis.chain_id));
    TRY(auto key, order_key_of(context.state, order.account, signer));
    if (order.nonce < key.nonce)
        return Error{ErrorKind::already_exists, "replayed: order " + std::to_string(order.nonce) +
                                                    " was used or cancelled, the next is " +
                                                    std::to_string(key.nonce)};
    if (order.nonce > key.nonce)
        return refused("the signer's next order is " + std::to_string(key.nonce) + ", not " +
                       std::to_string(order.nonce));
    if (signer != order.account) TRY_VOID(spend(context, order, key));
    ++key.nonce;
    context.state.write(key::order_key(order.account, signer), key);
    TRY_VOID(pay(context, order.account, context.sender, order.fee, Reason::relay, about));
    TRY_VOID(perform(context, order, about));
    return emit(context, EventKind::order_relayed, order.account, context.sender, about);
}

Status authorise(Context& context, abi::Reader in) {
    TRY(const auto signer, in.address());
    TRY(const auto to, in.address());
    TRY(const auto limit, in.number());
    TRY(const auto expires_ms, in.number64());
    if (signer == context.sender) return refused("an account needs no leave to act for itself");
    if (to.is_zero() || to == module::orders())
        return refused("say which address, other than this module's, the signer may call");
    if (expires_ms <= context.time_ms || expires_ms > context.time_ms + kOrderKeyLifeMaxMs)
        return refused("a signer may act for at most 400 days from now");
    TRY(auto key, order_key_of(context.state, context.sender, signer));
    key.to = to;
    key.limit = Amount(limit);
    key.spent = {};
    key.expires_ms = expires_ms;
    context.state.write(key::order_key(context.sender, signer), key);
    return emit(context, EventKind::signer_authorised, context.sender, signer, {});
}

Status revoke_signer(Context& context, abi::Reader in) {
    TRY(const auto signer, in.address());
    TRY(auto key, order_key_of(context.state, context.sender, signer));
    if (key.expires_ms == 0) return refused("the signer may not act for this account anyway");
    // The nonce stays: what was signed before is never good again.
    key.to = {};
    key.limit = {};
    key.spent = {};
    key.expires_ms = 0;
    context.state.write(key::order_key(context.sender, signer), key);
    return emit(context, EventKind::signer_revoked, context.sender, signer, {});
}

Status cancel_orders(Context& context, abi::Reader in) {
    TRY(const auto next, in.number64());
    TRY(auto key, order_key_of(context.state, context.sender, context.sender));
    if (next <= key.nonce || next >= kOrderNonces)
        return refused("the next order is " + std::to_string(key.nonce) +
                       ": name a later one, below 2^63");
    key.nonce = next;
    context.state.write(key::order_key(context.sender, context.sender), key);
    return {};
}

}  // namespace

Status orders_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {{signature::kRelay, relay},
                                          {signature::kAuthorise, authorise},
                                          {signature::kRevokeSigner, revoke_signer},
                                          {signature::kCancelOrders, cancel_orders}};
    return dispatch(context, data, kMethods);
}

}  // namespace mutirao::ledger
