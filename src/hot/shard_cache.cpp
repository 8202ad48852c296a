#include "hot/shard_cache.hpp"

#include "crypto/hash.hpp"

namespace mutirao::hot {

Result<std::shared_ptr<const Shard>> ShardCache::get(const Digest& digest, const Loader& load) {
    std::shared_ptr<Load> own;
    {
        std::unique_lock lock(mutex_);
        if (const auto at = entries_.find(digest); at != entries_.end()) {
            ++stats_.hits;
            recent_.splice(recent_.begin(), recent_, at->second.recency);
            return at->second.shard;
        }
        if (const auto at = loads_.find(digest); at != loads_.end()) {
            ++stats_.hits;
            const auto other = at->second;  // keeps it alive after the loader's own get is done
            other->done.wait(lock, [&] { return other->outcome.has_value(); });
            return *other->outcome;
        }
        ++stats_.misses;
        own = std::make_shared<Load>();
        loads_.emplace(digest, own);
    }
    auto loaded = load_checked(digest, load);
    const std::lock_guard lock(mutex_);
    own->outcome = loaded.ok() ? admit(digest, std::move(*loaded)) : std::move(loaded);
    loads_.erase(digest);
    own->done.notify_all();
    return *own->outcome;
}

ShardCache::Outcome ShardCache::load_checked(const Digest& digest, const Loader& load) const {
    TRY(auto bytes, load());
    if (crypto::blake3(bytes) != digest)
        return Error{ErrorKind::corrupt, "shard " + digest.hex() + " was loaded with other bytes"};
    return std::shared_ptr<const Shard>(std::make_shared<const Shard>(std::move(bytes)));
}

ShardCache::Outcome ShardCache::admit(const Digest& digest, std::shared_ptr<const Shard> shard) {
    const std::uint64_t size = shard->bytes().size();
    if (!make_room(size))
        return Error{ErrorKind::resource_exhausted,
                     "shard " + digest.hex() + " of " + std::to_string(size) +
                         " bytes does not fit: " + std::to_string(stats_.bytes) + " of " +
                         std::to_string(bytes_max_) + " bytes of memory are being read"};
    recent_.push_front(digest);
    entries_.emplace(digest, Entry{shard, recent_.begin()});
    stats_.bytes += size;
    return shard;
}

bool ShardCache::make_room(std::uint64_t bytes) {
    if (bytes > bytes_max_) return false;
    for (auto at = recent_.end(); bytes_max_ - stats_.bytes < bytes && at != recent_.begin();) {
        --at;
        const auto entry = entries_.find(*at);
        // Only get() hands out pointers, under the lock, so a count of one cannot rise meanwhile.
        if (entry->second.shard.use_count() > 1) continue;
        stats_.bytes -= entry->second.shard->bytes().size();
        ++stats_.evictions;
        entries_.erase(entry);
        at = recent_.erase(at);
    }
    return bytes_max_ - stats_.bytes >= bytes;
}

bool ShardCache::holds(const Digest& digest) const {
    const std::lock_guard lock(mutex_);
    return entries_.contains(digest);
}

CacheStats ShardCache::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

}  // namespace mutirao::hot
