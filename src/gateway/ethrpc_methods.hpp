// The methods behind ethrpc.hpp, by group. Internal to gateway.
#pragma once

#include "gateway/ethrpc_call.hpp"
#include "gateway/ethrpc_watch.hpp"

namespace mutirao::gateway {

struct RpcContext {
    EthereumChain& chain;
    Watches& watches;
    Params params;
};

struct RpcMethodEntry {
    std::string_view name;
    RpcResult (*run)(RpcContext& context);
};

std::span<const RpcMethodEntry> block_methods();
std::span<const RpcMethodEntry> account_methods();
std::span<const RpcMethodEntry> filter_methods();
std::span<const RpcMethodEntry> explorer_methods();

// The filter of eth_getLogs, eth_newFilter and eth_subscribe, from `written`.
Result<LogFilter> filter_from(const boost::json::value* written);

}  // namespace mutirao::gateway
