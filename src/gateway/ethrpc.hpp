// Ethereum JSON-RPC (https://ethereum.github.io/execution-apis) over the ledger, for wallets and
// libraries as they are: docs/reference/json-rpc.md lists the methods. Text in, text out; no
// sockets.
#pragma once

#include "gateway/ethrpc_call.hpp"
#include "gateway/ethrpc_watch.hpp"
#include "net/http.hpp"

namespace mutirao::gateway {

// Any thread may call.
class EthereumRpc {
  public:
    // Both must outlive this.
    EthereumRpc(EthereumChain& chain, Clock& clock) : chain_(chain), watches_(clock) {}

    // The answer to a body of one call or a batch; empty when all were notifications.
    std::string answer(std::string_view body);
    // One call, of any method but the subscriptions'.
    RpcResult run(const RpcCall& call);
    // Before the calls of a batch: the transactions among them are checked together.
    void foresee(const boost::json::array& calls);
    const EthereumChain& chain() const { return chain_; }

  private:
    EthereumChain& chain_;
    Watches watches_;
};

// POST / answers calls; GET / says what this is. Browsers of any origin may ask: nothing here acts
// without a signature. `rpc` must outlive the handler.
net::HttpHandler make_ethereum_route(EthereumRpc& rpc);

// One connection's calls and subscriptions (eth_subscribe). One thread at a time.
class EthereumSession final : public net::WebSocketSession {
  public:
    explicit EthereumSession(EthereumRpc& rpc) : rpc_(rpc) {}

    // As EthereumRpc::answer, with eth_subscribe and eth_unsubscribe.
    std::string message(std::string_view text) override;
    bool listens() const override { return !subscriptions_.empty(); }
    // An error when it fell behind what the ledger keeps.
    Result<std::vector<std::string>> news() override;

  private:
    RpcResult subscribe(const RpcCall& call);

    EthereumRpc& rpc_;
    std::map<std::string, Watch> subscriptions_;
    std::uint64_t last_id_ = 0;
};

// Sessions at / of the same server. `rpc` must outlive them.
net::WebSocketOpener make_ethereum_sessions(EthereumRpc& rpc);

inline constexpr std::size_t kSubscriptionsMax = 64;  // of one connection

}  // namespace mutirao::gateway
