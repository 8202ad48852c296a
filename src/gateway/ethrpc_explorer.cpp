// Methods for explorers: what Ethereum's do not show of this ledger (docs/reference/explorer.md).
#include "gateway/ethrpc_methods.hpp"
#include "gateway/explorer_values.hpp"
#include "gateway/text.hpp"
#include "ledger/methods.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kItemsMax = 100;        // of one answer
constexpr std::uint64_t kEventsScanned = 2000;  // of one answer that looks for an account's

Result<std::uint64_t> limit_at(const RpcContext& context, std::size_t index) {
    if (context.params.find(index) == nullptr) return kItemsMax;
    TRY(const auto limit, context.params.number(index));
    if (limit == 0 || limit > kItemsMax)
        return Error{ErrorKind::invalid_argument,
                     "an answer has 1 to " + std::to_string(kItemsMax) + " items"};
    return limit;
}

json::object block_summary(const ExecutedBlock& block) {
    return {{"number", block.height},
            {"time_ms", block.time_ms},
            {"hash", data_text(block.hash.span())},
            {"state_hash", data_text(block.state.span())},
            {"transactions", block.transactions.size()},
            {"gas_used", block.gas_used},
            {"bytes", block.bytes}};
}

// [before, limit]: blocks below height `before`, the newest first.
RpcResult blocks(RpcContext& context) {
    auto next = context.chain.height() + 1;
    if (context.params.find(0) != nullptr) {
        TRY(const auto before, context.params.number(0));
        next = std::min(next, before);
    }
    TRY(const auto limit, limit_at(context, 1));
    json::array items;
    while (next > 0 && items.size() < limit) {
        const auto block = context.chain.block(next - 1);
        if (!block.ok() || *block == nullptr) break;  // older ones are not kept
        items.emplace_back(block_summary(**block));
        --next;
    }
    const bool more = next > 0 && items.size() == limit;
    return json::value(json::object{{"items", std::move(items)},
                                    {"next", more ? json::value(next) : json::value(nullptr)}});
}

// [hash]: what a transaction did, in words.
RpcResult transaction(RpcContext& context) {
    TRY(const auto hash, context.params.digest(0));
    const auto place = context.chain.place_of(hash);
    if (!place) return json::value(nullptr);
    TRY(const auto block, context.chain.block(place->height));
    const auto& executed = block->transactions.at(place->index);
    TRY(const auto tx, ledger::Transaction::decode(executed.raw));
    json::array events;
    for (const auto& log : executed.logs) {
        TRY(auto event, ledger::event_of(log));
        event.height = block->height;
        event.time_ms = block->time_ms;
        auto shown = event_json(event);
        shown.erase("index");  // a log does not hold it
        events.emplace_back(std::move(shown));
    }
    json::object out{{"hash", data_text(hash.span())},
                     {"number", block->height},
                     {"time_ms", block->time_ms},
                     {"from", data_text(executed.sender.span())},
                     {"to", data_text(tx.to.span())},
                     {"value", tx.value.decimal()},
                     {"nonce", tx.nonce},
                     {"gas_used", executed.gas_used},
                     {"fee", executed.fee.decimal()},
                     {"succeeded", executed.succeeded}};
    if (!executed.succeeded) out["error"] = valid_utf8(executed.error);
    auto call = call_json(tx.to, tx.data);
    out["call"] = call.empty() ? json::value(nullptr) : json::value(std::move(call));
    out["events"] = std::move(events);
    return json::value(std::move(out));
}

// [before, limit, account]: events below index `before`, the newest first; only those from or to
// the account when one is named.
RpcResult events(RpcContext& context) {
    TRY(const auto count, context.chain.event_count());
    auto next = count;
    if (context.params.find(0) != nullptr) {
        TRY(const auto before, context.params.number(0));
        next = std::min(next, before);
    }
    TRY(const auto limit, limit_at(context, 1));
    std::optional<Address> account;
    if (context.params.find(2) != nullptr) {
        TRY(account, context.params.address(2));
    }
    const auto last = next - std::min(next, account ? kEventsScanned : limit);
    TRY(const auto found, context.chain.events(last, next));
    json::array items;
    for (auto at = found.rbegin(); at != found.rend() && items.size() < limit; ++at) {
        next = at->index;
        if (!account || at->from == *account || at->to == *account)
            items.emplace_back(event_json(*at));
    }
    return json::value(json::object{{"items", std::move(items)},
                                    {"next", next > 0 ? json::value(next) : json::value(nullptr)}});
}

Result<const RecordKind*> kind_at(const RpcContext& context, std::size_t index) {
    TRY(const auto name, context.params.text(index));
    std::string known;
    for (const auto& kind : record_kinds()) {
        if (kind.name == name) return &kind;
        known += (known.empty() ? "" : ", ") + std::string(kind.name);
    }
    return Error{ErrorKind::invalid_argument, "the kinds of records are " + known};
}

// [kind, after, limit, parent]: records of one kind, in order of their keys.
RpcResult records(RpcContext& context) {
    TRY(const auto* kind, kind_at(context, 0));
    Bytes after;
    if (context.params.find(1) != nullptr) {
        TRY(const auto text, context.params.text(1));
        TRY(after, read_data(text));
    }
    TRY(const auto limit, limit_at(context, 2));
    std::optional<Bytes> parent;
    if (context.params.find(3) != nullptr) {
        TRY(const auto text, context.params.text(3));
        TRY(parent, read_data(text));
    }
    TRY(const auto prefix, kind->prefix(parent));
    // What is shown is the records' own part of their keys.
    if (!after.empty()) after.insert(after.begin(), prefix.begin(), prefix.end());
    TRY(const auto found, context.chain.records(prefix, after, limit));
    TRY(const auto block, context.chain.block(context.chain.height()));
    json::array items;
    for (const auto& [key, value] : found) {
        TRY(auto shown, kind->show(key, value, block->time_ms));
        items.emplace_back(std::move(shown));
    }
    json::value next = nullptr;
    if (found.size() == limit)
        next = data_text(ByteSpan(found.back().first).subspan(prefix.size()));
    return json::value(json::object{{"items", std::move(items)}, {"next", std::move(next)}});
}

constexpr RpcMethodEntry kMethods[] = {{"mutirao_blocks", blocks},
                                       {"mutirao_transaction", transaction},
                                       {"mutirao_events", events},
                                       {"mutirao_records", records}};

}  // namespace

std::span<const RpcMethodEntry> explorer_methods() { return kMethods; }

}  // namespace mutirao::gateway
