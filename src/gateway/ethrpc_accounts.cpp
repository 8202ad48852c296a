// Methods about accounts, calls, and sending transactions.
#include "crypto/hash.hpp"
#include "gateway/ethrpc_methods.hpp"
#include "gateway/text.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

// What eth_getCode shows at a native module: PUSH1 0 PUSH1 0 REVERT, for callers that look whether
// there is code before they call. No code runs.
constexpr std::string_view kModuleCode = "0x60006000fd";

// Only the latest state is kept.
Status is_now(const RpcContext& context, std::size_t index) {
    TRY(const auto choice, context.params.block(index));
    const auto height = context.chain.height();
    if (choice.latest || choice.height == height) return {};
    if (choice.height > height)
        return Error{ErrorKind::not_found,
                     "header not found: the latest block is " + std::to_string(height)};
    return Error{ErrorKind::not_found,
                 "the state of block " + std::to_string(choice.height) +
                     " is not kept (missing trie node); ask for \"latest\", which is " +
                     std::to_string(height)};
}

RpcResult chain_id(RpcContext& context) { return quantity(context.chain.genesis().chain_id); }
RpcResult net_version(RpcContext& context) {
    return std::to_string(context.chain.genesis().chain_id);
}
RpcResult client_version(RpcContext&) { return std::string("mutirao/0.1"); }
RpcResult listening(RpcContext&) { return json::value(true); }
RpcResult peer_count(RpcContext&) { return quantity(0); }
RpcResult syncing(RpcContext&) { return json::value(false); }  // it answers once it is up to date
RpcResult accounts(RpcContext&) { return json::value(json::array()); }  // it holds no keys
RpcResult sha3(RpcContext& context) {
    TRY(const auto text, context.params.text(0));
    TRY(const auto bytes, read_data(text));
    return data_text(crypto::keccak256(bytes).span());
}

RpcResult get_balance(RpcContext& context) {
    TRY(const auto address, context.params.address(0));
    TRY_VOID(is_now(context, 1));
    TRY(const auto account, context.chain.account(address));
    return quantity(account.balance.wei());
}

RpcResult get_transaction_count(RpcContext& context) {
    TRY(const auto address, context.params.address(0));
    TRY_VOID(is_now(context, 1));
    TRY(const auto choice, context.params.block(1));
    if (choice.pending) {
        TRY(const auto nonce, context.chain.pending_nonce(address));
        return quantity(nonce);
    }
    TRY(const auto account, context.chain.account(address));
    return quantity(account.nonce);
}

RpcResult get_code(RpcContext& context) {
    TRY(const auto address, context.params.address(0));
    TRY_VOID(is_now(context, 1));
    return std::string(ledger::has_methods(address) ? kModuleCode : "0x");
}

RpcResult get_storage(RpcContext& context) {
    TRY(const auto address, context.params.address(0));
    static_cast<void>(address);
    TRY(const auto slot, context.params.text(1));
    TRY(const auto bytes,
        read_data(slot.size() % 2 == 0
                      ? std::string(slot)
                      : "0x0" + std::string(slot.substr(std::min<std::size_t>(2, slot.size())))));
    if (bytes.size() > 32)
        return Error{ErrorKind::invalid_argument, "a storage slot has at most 32 bytes"};
    TRY_VOID(is_now(context, 2));
    return data_text(Digest().span());  // records are read by calls; there are no slots
}

RpcResult reverted(const Error& why) {
    const auto words = valid_utf8(why.message);
    return RpcError{rpc_code::kReverted, "execution reverted: " + words,
                    data_text(revert_data(words))};
}

RpcResult cannot_pay(const Error& why) {
    return RpcError{rpc_code::kServer,
                    "insufficient funds for gas * price + value: " + why.message};
}

RpcResult call(RpcContext& context) {
    TRY(const auto request, context.params.call(0));
    TRY_VOID(is_now(context, 1));
    TRY(const auto outcome, context.chain.simulate(request.from, request.call));
    if (!outcome.status.ok()) return reverted(outcome.status.error());
    return data_text(outcome.output);
}

RpcResult estimate_gas(RpcContext& context) {
    TRY(const auto request, context.params.call(0));
    TRY_VOID(is_now(context, 1));
    TRY(const auto outcome, context.chain.simulate(request.from, request.call));
    if (!outcome.status.ok()) {
        const auto& why = outcome.status.error();
        TRY(const auto payer, context.chain.account(request.from));
        return payer.balance < request.call.value ? cannot_pay(why) : reverted(why);
    }
    if (request.gas && *request.gas < outcome.gas)
        return RpcError{rpc_code::kServer,
                        "gas required exceeds allowance (" + std::to_string(*request.gas) + ")"};
    return quantity(outcome.gas);
}

// The words that wallets know for what the ledger refused, with the ledger's own behind them.
RpcError refusal(const EthereumChain& chain, ByteSpan raw, const Error& why) {
    const auto say = [&](std::string known) {
        return RpcError{rpc_code::kServer, std::move(known) + ": " + why.message};
    };
    if (raw.size() > ledger::kTransactionSizeMax) return say("oversized data");
    const auto tx = ledger::Transaction::decode(raw);
    if (!tx.ok())
        return tx.error().kind == ErrorKind::corrupt ? say("invalid transaction")
                                                     : RpcError{rpc_code::kServer, why.message};
    const auto& genesis = chain.genesis();
    if (tx->chain_id != genesis.chain_id) return say("invalid chain id for signer");
    if (tx->max_priority_fee > tx->max_fee)
        return say("max priority fee per gas higher than max fee per gas");
    if (tx->max_fee < genesis.base_fee)
        return tx->type == ledger::TransactionType::fee_market
                   ? say("max fee per gas less than block base fee")
                   : say("transaction underpriced");
    if (tx->gas_limit < ledger::gas_of({tx->to, tx->value, tx->data}))
        return say("intrinsic gas too low");
    if (!tx->sender().ok()) return say("invalid sender");
    switch (why.kind) {
        case ErrorKind::insufficient_funds:
            return say("insufficient funds for gas * price + value");
        case ErrorKind::already_exists:
            if (why.message.starts_with("already known"))
                return RpcError{rpc_code::kServer, "already known"};
            return why.message.starts_with("replacement transaction underpriced")
                       ? RpcError{rpc_code::kServer, why.message}
                       : say("nonce too low");
        case ErrorKind::resource_exhausted:
            return why.message.starts_with("nonce") ? say("nonce too high") : say("txpool is full");
        default: return RpcError{rpc_code::kServer, why.message};
    }
}

RpcResult send_raw(RpcContext& context) {
    TRY(const auto text, context.params.text(0));
    TRY(const auto raw, read_data(text));
    const auto taken = context.chain.submit(raw);
    if (!taken.ok()) return refusal(context.chain, raw, taken.error());
    return data_text(taken->span());
}

RpcResult no_keys(RpcContext&) {
    return RpcError{rpc_code::kServer,
                    "unknown account: this node holds no keys; sign in your wallet and use "
                    "eth_sendRawTransaction"};
}

constexpr RpcMethodEntry kMethods[] = {
    {"eth_chainId", chain_id},
    {"net_version", net_version},
    {"net_listening", listening},
    {"net_peerCount", peer_count},
    {"web3_clientVersion", client_version},
    {"web3_sha3", sha3},
    {"eth_syncing", syncing},
    {"eth_accounts", accounts},
    {"eth_getBalance", get_balance},
    {"eth_getTransactionCount", get_transaction_count},
    {"eth_getCode", get_code},
    {"eth_getStorageAt", get_storage},
    {"eth_call", call},
    {"eth_estimateGas", estimate_gas},
    {"eth_sendRawTransaction", send_raw},
    {"eth_sendTransaction", no_keys},
    {"eth_sign", no_keys},
    {"eth_signTransaction", no_keys},
};

}  // namespace

std::span<const RpcMethodEntry> account_methods() { return kMethods; }

}  // namespace mutirao::gateway
