#include "ledger/changes.hpp"

#include <algorithm>
#include <map>

#include "ledger/state_slots.hpp"

namespace mutirao::ledger {
Result<Value> Changes::get(ByteSpan key) const {
    const auto at = by_key_.find(key);
    if (at != by_key_.end() && at->second.made) return at->second.value;
    return base_.get(key);
}

Result<std::vector<std::pair<Bytes, Bytes>>> Changes::scan(ByteSpan prefix, ByteSpan after,
                                                           std::size_t limit) const {
    std::map<Bytes, const Value*> changed;
    std::size_t removed = 0;
    for (const auto& [key, change] : by_key_) {
        if (!change.made || !has_prefix(key, prefix)) continue;
        if (!after.empty() && !key_less(after, key)) continue;
        changed.emplace(key, &change.value);
        removed += change.value ? 0 : 1;
    }
    // Of the base's, as many more as may have been removed.
    TRY(auto found, base_.scan(prefix, after, limit + removed));
    std::map<Bytes, Bytes> merged(found.begin(), found.end());
    for (const auto& [key, value] : changed) {
        if (*value)
            merged[key] = **value;
        else
            merged.erase(key);
    }
    std::vector<std::pair<Bytes, Bytes>> out(merged.begin(), merged.end());
    if (out.size() > limit) out.resize(limit);
    return out;
}

void Changes::set(Bytes key, Value value) {
    auto& entry = *by_key_.try_emplace(std::move(key)).first;
    undo_.push_back({&entry, std::exchange(entry.second, {true, std::move(value)})});
}

void Changes::go_back(const Mark& mark) {
    while (undo_.size() > mark.changes) {
        undo_.back().entry->second = std::move(undo_.back().before);
        undo_.pop_back();
    }
    events_.resize(mark.events);
}

Difference Changes::take_difference() {
    struct Sorted {
        KeyPrefix prefix;
        ByKey::iterator entry;
    };
    std::vector<Sorted> order;
    order.reserve(by_key_.size());
    for (auto at = by_key_.begin(); at != by_key_.end(); ++at)
        if (at->second.made) order.push_back({KeyPrefix::of(at->first), at});
    std::sort(order.begin(), order.end(), [](const Sorted& a, const Sorted& b) {
        return a.prefix != b.prefix ? a.prefix < b.prefix
                                    : key_less(a.entry->first, b.entry->first);
    });
    Difference out;
    out.reserve(order.size());
    for (const auto& [prefix, entry] : order) {
        auto change = by_key_.extract(entry);
        out.emplace_back(std::move(change.key()), std::move(change.mapped().value));
    }
    undo_.clear();
    by_key_.clear();
    return out;
}

}  // namespace mutirao::ledger
