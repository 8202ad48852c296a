#include "gateway/ethrpc.hpp"

#include "gateway/ethrpc_methods.hpp"
#include "gateway/ethrpc_values.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;
using net::HttpRequest;
using net::HttpResponse;

constexpr std::uint64_t kNewsBlocks = 64;  // of one subscription at a time

const std::map<std::string_view, RpcMethodEntry>& methods() {
    static const auto all = [] {
        std::map<std::string_view, RpcMethodEntry> out;
        for (const auto group :
             {block_methods(), account_methods(), filter_methods(), explorer_methods()})
            for (const auto& method : group) out.emplace(method.name, method);
        return out;
    }();
    return all;
}

HttpResponse reply(int status, std::string_view content_type, std::string body) {
    HttpResponse out;
    out.status = status;
    out.content_type = content_type;
    out.body = std::move(body);
    out.headers = {{"Cache-Control", "no-store"},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Access-Control-Allow-Origin", "*"}};
    return out;
}

HttpResponse preflight() {
    auto out = reply(204, "text/plain; charset=utf-8", "");
    out.headers.push_back({"Access-Control-Allow-Methods", "POST, OPTIONS"});
    out.headers.push_back({"Access-Control-Allow-Headers", "Content-Type"});
    out.headers.push_back({"Access-Control-Max-Age", "86400"});
    return out;
}

}  // namespace

RpcResult EthereumRpc::run(const RpcCall& call) {
    const auto at = methods().find(call.method);
    if (at == methods().end())
        return RpcError{rpc_code::kNoMethod, "the method " +
                                                 json::serialize(json::value(call.method)) +
                                                 " does not exist or is not available"};
    RpcContext context{chain_, watches_, Params(call.params, chain_)};
    return at->second.run(context);
}

std::string EthereumRpc::answer(std::string_view body) {
    return answer_rpc(
        body, [this](const RpcCall& call) { return run(call); },
        [this](const json::array& calls) { foresee(calls); });
}

void EthereumRpc::foresee(const json::array& calls) {
    std::vector<Bytes> sent;
    for (const auto& call : calls) {
        const auto* object = call.if_object();
        const auto* method = object == nullptr ? nullptr : object->if_contains("method");
        const auto* params = object == nullptr ? nullptr : object->if_contains("params");
        if (method == nullptr || *method != "eth_sendRawTransaction" || params == nullptr ||
            !params->is_array() || params->get_array().empty() ||
            !params->get_array()[0].is_string())
            continue;
        auto raw = read_data(params->get_array()[0].get_string());
        if (raw.ok()) sent.push_back(std::move(*raw));
    }
    if (sent.size() > 1) chain_.expect(std::vector<ByteSpan>(sent.begin(), sent.end()));
}

net::HttpHandler make_ethereum_route(EthereumRpc& rpc) {
    return [&rpc](const HttpRequest& request) {
        if (request.path() != "/") return reply(404, "text/plain; charset=utf-8", "not found\n");
        if (request.method == "OPTIONS") return preflight();
        if (request.method == "POST") {
            auto body = rpc.answer(request.body);
            const int status = body.empty() ? 204 : 200;
            return reply(status, "application/json", std::move(body));
        }
        if (request.method == "GET" || request.method == "HEAD")
            return reply(200, "text/plain; charset=utf-8",
                         "Ethereum JSON-RPC of Mutirao, chain " +
                             std::to_string(rpc.chain().genesis().chain_id) +
                             ": give this address to your wallet. Calls come by POST.\n");
        return reply(405, "text/plain; charset=utf-8", "calls come by POST\n");
    };
}

RpcResult EthereumSession::subscribe(const RpcCall& call) {
    const Params params(call.params, rpc_.chain());
    TRY(const auto kind, params.text(0));
    if (subscriptions_.size() >= kSubscriptionsMax)
        return RpcError{rpc_code::kLimit, "a connection has at most " +
                                              std::to_string(kSubscriptionsMax) + " subscriptions"};
    Watch watch;
    if (kind == "newHeads") {
        watch = watch_from_now(rpc_.chain(), WatchKind::heads);
    } else if (kind == "logs") {
        watch = watch_from_now(rpc_.chain(), WatchKind::logs);
        TRY(watch.filter, filter_from(params.find(1)));
    } else if (kind == "newPendingTransactions") {
        watch = watch_from_now(rpc_.chain(), WatchKind::waiting);
    } else {
        return Error{ErrorKind::invalid_argument,
                     "subscriptions are newHeads, logs and newPendingTransactions"};
    }
    auto id = quantity(++last_id_);
    subscriptions_.emplace(id, std::move(watch));
    return id;
}

net::WebSocketOpener make_ethereum_sessions(EthereumRpc& rpc) {
    return [&rpc](const HttpRequest& request) -> std::unique_ptr<net::WebSocketSession> {
        if (request.path() != "/") return nullptr;
        return std::make_unique<EthereumSession>(rpc);
    };
}

std::string EthereumSession::message(std::string_view text) {
    const auto run = [this](const RpcCall& call) -> RpcResult {
        if (call.method == "eth_subscribe") return subscribe(call);
        if (call.method != "eth_unsubscribe") return rpc_.run(call);
        const Params params(call.params, rpc_.chain());
        TRY(const auto id, params.text(0));
        return json::value(subscriptions_.erase(std::string(id)) != 0);
    };
    return answer_rpc(text, run, [this](const json::array& calls) { rpc_.foresee(calls); });
}

Result<std::vector<std::string>> EthereumSession::news() {
    std::vector<std::string> out;
    for (auto& [id, watch] : subscriptions_) {
        TRY(auto found, gateway::news(rpc_.chain(), watch, kNewsBlocks));
        for (auto& each : found)
            out.push_back(json::serialize(json::object{
                {"jsonrpc", "2.0"},
                {"method", "eth_subscription"},
                {"params", json::object{{"subscription", id}, {"result", std::move(each)}}}}));
    }
    return out;
}

}  // namespace mutirao::gateway
