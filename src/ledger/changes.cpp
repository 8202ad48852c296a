#include "ledger/changes.hpp"

#include <algorithm>

namespace mutirao::ledger {
namespace {

bool has_prefix(const Bytes& key, ByteSpan prefix) {
    return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

}  // namespace

Result<Value> Changes::get(ByteSpan key) const {
    const auto at = difference_.find(to_bytes(key));
    if (at != difference_.end()) return at->second;
    return base_.get(key);
}

Result<std::vector<std::pair<Bytes, Bytes>>> Changes::scan(ByteSpan prefix, ByteSpan after,
                                                           std::size_t limit) const {
    // Removals are rare and small in number, so asking for that many more covers them.
    const auto removed = std::count_if(difference_.begin(), difference_.end(),
                                       [](const auto& entry) { return !entry.second; });
    TRY(auto found, base_.scan(prefix, after, limit + static_cast<std::size_t>(removed)));
    std::map<Bytes, Bytes> merged(found.begin(), found.end());
    for (auto at = difference_.lower_bound(to_bytes(prefix));
         at != difference_.end() && has_prefix(at->first, prefix); ++at) {
        if (!after.empty() && !(to_bytes(after) < at->first)) continue;
        if (at->second)
            merged[at->first] = *at->second;
        else
            merged.erase(at->first);
    }
    std::vector<std::pair<Bytes, Bytes>> out(merged.begin(), merged.end());
    if (out.size() > limit) out.resize(limit);
    return out;
}

void Changes::absorb(const Changes& child) {
    for (const auto& [key, value] : child.difference_) difference_[key] = value;
}

}  // namespace mutirao::ledger
