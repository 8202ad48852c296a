// Logs, and filters that are polled.
#include "gateway/ethrpc_methods.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

// Heights of a filter object's "fromBlock" and "toBlock", or of its one "blockHash".
Result<std::pair<std::uint64_t, std::uint64_t>> range_of(const EthereumChain& chain,
                                                         const json::object& written,
                                                         std::uint64_t from_default,
                                                         std::uint64_t to_default) {
    const auto* hash = written.if_contains("blockHash");
    const auto* from = written.if_contains("fromBlock");
    const auto* to = written.if_contains("toBlock");
    if (hash != nullptr && !hash->is_null()) {
        if (from != nullptr || to != nullptr)
            return Error{ErrorKind::invalid_argument,
                         "\"blockHash\" stands alone, without \"fromBlock\" and \"toBlock\""};
        TRY(const auto choice, read_block_choice(json::object{{"blockHash", *hash}}, chain));
        return std::pair(choice.height, choice.height);
    }
    std::pair out(from_default, to_default);
    if (from != nullptr && !from->is_null()) {
        TRY(const auto choice, read_block_choice(*from, chain));
        out.first = choice.height;
    }
    if (to != nullptr && !to->is_null() && *to != "latest" && *to != "pending") {
        TRY(const auto choice, read_block_choice(*to, chain));
        out.second = choice.height;
    }
    if (out.first > out.second && to != nullptr)
        return Error{ErrorKind::invalid_argument, "\"fromBlock\" is after \"toBlock\""};
    return out;
}

// No filter at all takes everything.
Result<const json::object*> filter_object(const json::value* written) {
    static const json::object kAll;
    if (written == nullptr) return &kAll;
    if (const auto* object = written->if_object()) return object;
    return Error{ErrorKind::invalid_argument, "a filter is an object"};
}

RpcResult get_logs(RpcContext& context) {
    TRY(const auto* written, filter_object(context.params.find(0)));
    TRY(const auto filter, read_log_filter(*written));
    const auto head = context.chain.height();
    TRY(const auto range, range_of(context.chain, *written, head, head));
    return find_logs(context.chain, range.first, range.second, filter);
}

RpcResult new_filter(RpcContext& context) {
    TRY(const auto* written, filter_object(context.params.find(0)));
    auto watch = watch_from_now(context.chain, WatchKind::logs);
    TRY(watch.filter, read_log_filter(*written));
    TRY(const auto range, range_of(context.chain, *written, watch.first, ~std::uint64_t{0}));
    watch.first = range.first;
    watch.last = range.second;
    return context.watches.add(std::move(watch));
}

RpcResult new_block_filter(RpcContext& context) {
    return context.watches.add(watch_from_now(context.chain, WatchKind::head_hashes));
}

RpcResult new_pending_filter(RpcContext& context) {
    return context.watches.add(watch_from_now(context.chain, WatchKind::waiting));
}

RpcResult uninstall(RpcContext& context) {
    TRY(const auto id, context.params.text(0));
    return json::value(context.watches.remove(std::string(id)));
}

RpcResult get_changes(RpcContext& context) {
    TRY(const auto id, context.params.text(0));
    return context.watches.changes(context.chain, std::string(id));
}

RpcResult get_filter_logs(RpcContext& context) {
    TRY(const auto id, context.params.text(0));
    return context.watches.logs(context.chain, std::string(id));
}

constexpr RpcMethodEntry kMethods[] = {
    {"eth_getLogs", get_logs},
    {"eth_newFilter", new_filter},
    {"eth_newBlockFilter", new_block_filter},
    {"eth_newPendingTransactionFilter", new_pending_filter},
    {"eth_uninstallFilter", uninstall},
    {"eth_getFilterChanges", get_changes},
    {"eth_getFilterLogs", get_filter_logs},
};

}  // namespace

std::span<const RpcMethodEntry> filter_methods() { return kMethods; }

Result<LogFilter> filter_from(const json::value* written) {
    TRY(const auto* object, filter_object(written));
    return read_log_filter(*object);
}

}  // namespace mutirao::gateway
