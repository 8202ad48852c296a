// Whole shards of data sets in memory, by content: checked once when loaded, then read in place
// without a copy. Least recently used shards make room, never those that someone still reads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/bytes.hpp"

namespace mutirao::hot {

// A shard's bytes; they never change.
class Shard {
  public:
    explicit Shard(Bytes bytes) : bytes_(std::move(bytes)) {}
    ByteSpan bytes() const { return bytes_; }

  private:
    const Bytes bytes_;
};

// Brings a shard from wherever it is kept. Called without any lock held.
using Loader = std::function<Result<Bytes>()>;

struct CacheStats {
    std::uint64_t hits = 0;       // gets answered without a load of their own
    std::uint64_t misses = 0;     // loads begun
    std::uint64_t evictions = 0;  // shards that made room
    std::uint64_t bytes = 0;      // of cached shards, those being read included
};

// Any thread may call anything.
class ShardCache {
  public:
    explicit ShardCache(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    // The shard whose BLAKE3 digest is `digest`, from memory or by `load`. Gets of one shard at the
    // same time load it once and share the outcome. The shard stays in memory while someone holds
    // the pointer: shared because readers outlive its place in the cache.
    // Errors: those of `load`, which are not remembered; corrupt when it brought other bytes;
    // resource_exhausted when the shard does not fit beside the shards being read.
    Result<std::shared_ptr<const Shard>> get(const Digest& digest, const Loader& load);

    // Whether a get would be a hit now.
    bool holds(const Digest& digest) const;
    CacheStats stats() const;
    std::uint64_t bytes_max() const { return bytes_max_; }

  private:
    using Outcome = Result<std::shared_ptr<const Shard>>;
    struct Load {  // one load that several gets may wait for
        std::condition_variable done;
        std::optional<Outcome> outcome;
    };
    struct Entry {
        std::shared_ptr<const Shard> shard;
        std::list<Digest>::iterator recency;
    };

    Outcome load_checked(const Digest& digest, const Loader& load) const;
    // With mutex_ held:
    Outcome admit(const Digest& digest, std::shared_ptr<const Shard> shard);
    bool make_room(std::uint64_t bytes);

    const std::uint64_t bytes_max_;

    mutable std::mutex mutex_;  // guards everything below
    std::unordered_map<Digest, Entry> entries_;
    std::list<Digest> recent_;  // most recently used first
    std::unordered_map<Digest, std::shared_ptr<Load>> loads_;
    CacheStats stats_;
};

}  // namespace mutirao::hot
