#include "hot/read_table.hpp"

namespace mutirao::hot {
namespace {

constexpr std::uint32_t kAhead = 2;  // shards that are brought before they are asked for

}  // namespace

Result<ReadTable::Opened> ReadTable::open(ByteSpan credential) {
    TRY(auto object, opener_.open(credential));
    const auto id = random_.fixed<ReadId>();
    const std::lock_guard lock(mutex_);
    while (reads_.size() >= kHotReadsMax) {
        reads_.erase(oldest_.front());
        oldest_.pop_front();
    }
    oldest_.push_back(id);
    reads_[id] = {object, clock_.monotonic(), ~0u, std::prev(oldest_.end())};
    return Opened{id, std::move(object)};
}

Result<ReadTable::Read*> ReadTable::find_locked(const ReadId& id) {
    const auto at = reads_.find(id);
    if (at != reads_.end() && clock_.monotonic() - at->second.opened < kReadLife)
        return &at->second;
    if (at != reads_.end()) {
        oldest_.erase(at->second.age);
        reads_.erase(at);
    }
    return Error{ErrorKind::not_found, "this node does not know the read; open it again"};
}

Result<std::shared_ptr<OpenObject>> ReadTable::find(const ReadId& id) {
    const std::lock_guard lock(mutex_);
    TRY(auto* read, find_locked(id));
    return read->object;
}

Result<HeldShard> ReadTable::shard(const ReadId& id, std::uint32_t index) {
    std::shared_ptr<OpenObject> object;
    bool in_order = false;
    {
        const std::lock_guard lock(mutex_);
        TRY(auto* read, find_locked(id));
        object = read->object;
        in_order = index == read->last + 1 && index > 0;
        read->last = index;
    }
    if (in_order) store_.prefetch(object, index + 1, kAhead);
    return store_.get(object, index);
}

void ReadTable::close(const ReadId& id) {
    const std::lock_guard lock(mutex_);
    const auto at = reads_.find(id);
    if (at == reads_.end()) return;
    oldest_.erase(at->second.age);
    reads_.erase(at);
}

}  // namespace mutirao::hot
