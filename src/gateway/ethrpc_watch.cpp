#include "gateway/ethrpc_watch.hpp"

#include <algorithm>

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

RpcError too_much(const std::string& what) {
    return {rpc_code::kLimit, what + "; ask for a smaller range of blocks"};
}

// Appends the block's logs that match. Returns how many logs it looked at.
std::size_t append_logs(const ExecutedBlock& block, const LogFilter& filter, json::array& out) {
    if (!filter.may_match(block.bloom)) return 1;
    std::size_t log_index = 0;
    for (std::size_t i = 0; i < block.transactions.size(); ++i)
        for (const auto& log : block.transactions[i].logs) {
            const std::size_t at = log_index++;
            if (filter.matches(log))
                out.emplace_back(log_json(log, {block, block.transactions[i], i, at}));
        }
    return log_index + 1;
}

}  // namespace

RpcResult find_logs(const EthereumChain& chain, std::uint64_t from, std::uint64_t to,
                    const LogFilter& filter) {
    to = std::min(to, chain.height());
    json::array out;
    if (from > to) return json::value(std::move(out));
    if (to - from >= kLogBlocksMax)
        return too_much("the range holds over " + std::to_string(kLogBlocksMax) + " blocks");
    std::uint64_t looked_at = 0;
    for (auto height = from; height <= to; ++height) {
        TRY(const auto block, chain.block(height));
        if (block == nullptr) break;
        looked_at += append_logs(*block, filter, out);
        if (out.size() > kLogsMax)
            return too_much("query returned more than " + std::to_string(kLogsMax) + " results");
        if (looked_at > kLogsLookedAtMax)
            return too_much("the range holds over " + std::to_string(kLogsLookedAtMax) + " logs");
    }
    return json::value(std::move(out));
}

Watch watch_from_now(const EthereumChain& chain, WatchKind kind) {
    Watch out{.kind = kind};
    out.first = out.next = kind == WatchKind::waiting ? chain.taken() : chain.height() + 1;
    return out;
}

Result<json::array> news(const EthereumChain& chain, Watch& watch, std::uint64_t blocks_max) {
    json::array out;
    if (watch.kind == WatchKind::waiting) {
        const auto now = chain.taken();
        for (const auto& hash : chain.taken_since(watch.next))
            out.emplace_back(data_text(hash.span()));
        watch.next = now;
        return out;
    }
    const auto last = std::min(chain.height(), watch.last);
    for (; watch.next <= last && blocks_max > 0 && out.size() < kLogsMax; --blocks_max) {
        TRY(const auto block, chain.block(watch.next));
        if (block == nullptr) break;
        if (watch.kind == WatchKind::logs)
            append_logs(*block, watch.filter, out);
        else if (watch.kind == WatchKind::heads)
            out.emplace_back(header_json(*block, chain.genesis().base_fee));
        else
            out.emplace_back(data_text(block->hash.span()));
        ++watch.next;
    }
    return out;
}

RpcResult Watches::add(Watch watch) {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    std::erase_if(entries_,
                  [&](const auto& entry) { return now - entry.second.touched > kWatchIdleMax; });
    if (entries_.size() >= kWatchesMax)
        return RpcError{rpc_code::kLimit, "too many filters; remove some, or read logs by range"};
    auto id = quantity(++last_id_);
    entries_.emplace(id, Entry{std::move(watch), now});
    return id;
}

bool Watches::remove(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return entries_.erase(id) != 0;
}

RpcResult Watches::changes(const EthereumChain& chain, const std::string& id) {
    Watch watch;
    {
        const std::lock_guard lock(mutex_);
        const auto at = entries_.find(id);
        if (at == entries_.end()) return unknown();
        at->second.touched = clock_.monotonic();
        watch = at->second.watch;
    }
    // Not under the lock: others' filters need not wait for this one's blocks.
    auto found = news(chain, watch, kLogBlocksMax);
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(id);
    if (at == entries_.end()) return unknown();
    if (!found.ok()) {
        entries_.erase(at);  // it asks for blocks that are gone
        return std::move(found).error();
    }
    at->second.watch.next = watch.next;
    return json::value(std::move(*found));
}

RpcResult Watches::logs(const EthereumChain& chain, const std::string& id) {
    Watch watch;
    {
        const std::lock_guard lock(mutex_);
        const auto at = entries_.find(id);
        if (at == entries_.end() || at->second.watch.kind != WatchKind::logs) return unknown();
        at->second.touched = clock_.monotonic();
        watch = at->second.watch;
    }
    return find_logs(chain, watch.first, watch.last, watch.filter);
}

}  // namespace mutirao::gateway
