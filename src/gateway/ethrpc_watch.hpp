// What is new since somebody last looked: filters that are polled, and subscriptions that are
// pushed. A watch holds no queue, only the next block to look at, so one that nobody reads costs
// the same for ever.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/ports.hpp"
#include "gateway/ethrpc_call.hpp"
#include "gateway/ethrpc_params.hpp"

namespace mutirao::gateway {

inline constexpr std::size_t kLogsMax = 10'000;               // of one answer
inline constexpr std::uint64_t kLogBlocksMax = 100'000;       // in one query's range
inline constexpr std::uint64_t kLogsLookedAtMax = 1'000'000;  // by one query
inline constexpr std::size_t kWatchesMax = 4096;              // filters of all callers together
inline constexpr auto kWatchIdleMax = std::chrono::minutes(5);

// Logs of the blocks `from` to `to` that match, oldest first. RpcError kLimit when the range holds
// too much for one answer.
RpcResult find_logs(const EthereumChain& chain, std::uint64_t from, std::uint64_t to,
                    const LogFilter& filter);

enum class WatchKind { heads, head_hashes, logs, waiting };

struct Watch {
    WatchKind kind = WatchKind::heads;
    LogFilter filter = {};                   // logs
    std::uint64_t next = 0;                  // block, or number of a taken transaction
    std::uint64_t last = ~std::uint64_t{0};  // block; later ones do not count
    std::uint64_t first = 0;                 // block of the whole filter
};

// Begins with what comes after now.
Watch watch_from_now(const EthereumChain& chain, WatchKind kind);
// What came since the last time, at most `blocks_max` blocks' worth of it; moves the watch on.
Result<boost::json::array> news(const EthereumChain& chain, Watch& watch, std::uint64_t blocks_max);

// Filters by id, for callers without a connection of their own. Any thread.
class Watches {
  public:
    explicit Watches(Clock& clock) : clock_(clock) {}

    // The new filter's id; kLimit when there are too many.
    RpcResult add(Watch watch);
    // False when there was none.
    bool remove(const std::string& id);
    RpcResult changes(const EthereumChain& chain, const std::string& id);
    // All logs of a log filter, from its first block on.
    RpcResult logs(const EthereumChain& chain, const std::string& id);

  private:
    struct Entry {
        Watch watch;
        Duration touched{0};
    };
    RpcResult unknown() const { return RpcError{rpc_code::kServer, "filter not found"}; }

    Clock& clock_;
    std::mutex mutex_;  // guards everything below
    std::map<std::string, Entry> entries_;
    std::uint64_t last_id_ = 0;
};

}  // namespace mutirao::gateway
