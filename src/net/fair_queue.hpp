// Work that waits, by who brought it, handed out in turns: who brings hundreds of items delays
// another's one item by one. Round robin, first come first served within a caller. Not thread-safe.
#pragma once

#include <algorithm>
#include <deque>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mutirao::net {

template <typename Item>
class FairQueue {
  public:
    // The turn of a caller who had nothing here comes after all others'. O(1).
    void push(const std::string& caller, Item item) {
        const auto [at, is_new] = lane_of_.try_emplace(caller);
        if (is_new) at->second = lanes_.insert(lanes_.end(), Lane{caller, {}});
        at->second->items.push_back(std::move(item));
    }

    // The oldest item of the caller whose turn it is; callers of whom `may(caller)` is false keep
    // their turn. Nothing when there is no such item. O(callers that may not).
    template <typename May>
    std::optional<Item> take(May may) {
        const auto lane =
            std::find_if(lanes_.begin(), lanes_.end(), [&](auto& one) { return may(one.caller); });
        if (lane == lanes_.end()) return std::nullopt;
        std::optional<Item> out(std::move(lane->items.front()));
        lane->items.pop_front();
        lanes_.splice(lanes_.end(), lanes_, lane);
        if (lane->items.empty()) drop(lane);
        return out;
    }

    // Takes out what a caller does not want any more. O(the caller's items).
    template <typename Which>
    std::vector<Item> remove_if(const std::string& caller, Which which) {
        std::vector<Item> out;
        const auto at = lane_of_.find(caller);
        if (at == lane_of_.end()) return out;
        auto& items = at->second->items;
        const auto kept = std::stable_partition(items.begin(), items.end(),
                                                [&](const auto& item) { return !which(item); });
        std::move(kept, items.end(), std::back_inserter(out));
        items.erase(kept, items.end());
        if (items.empty()) drop(at->second);
        return out;
    }

    bool empty() const { return lanes_.empty(); }

  private:
    struct Lane {
        std::string caller;
        std::deque<Item> items;  // never empty between calls
    };
    using Lanes = std::list<Lane>;

    void drop(typename Lanes::iterator lane) {
        lane_of_.erase(lane->caller);
        lanes_.erase(lane);
    }

    Lanes lanes_;  // whose turn is next comes first
    std::unordered_map<std::string, typename Lanes::iterator> lane_of_;
};

}  // namespace mutirao::net
