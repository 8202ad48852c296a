// A node's hot shards: plaintext in sealed shared memory, ciphertext on a disk below it, cold
// storage below that. Each shard is checked once, when it comes into memory, and then read in
// place.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/shared_memory.hpp"
#include "hot/sealed_level.hpp"

namespace mutirao::hot {

struct StoreLimits {
    std::uint64_t memory_max = 512u << 20;  // bytes of shards, those being read included
    std::size_t shards_max = 4096;          // in memory: each holds a descriptor
    std::size_t prefetches_max = 2;         // loads under way that nobody waits for
};

struct StoreStats {
    std::uint64_t hits = 0;          // gets that found the shard in memory, or another's load
    std::uint64_t disk_loads = 0;    // from the level below
    std::uint64_t cold_loads = 0;    // from cold storage
    std::uint64_t disk_refused = 0;  // what the disk gave was not the shard
    std::uint64_t evictions = 0;
    std::uint64_t memory = 0;  // bytes in use now, in whole pages
};

// A shard in memory. It counts against memory_max as long as somebody holds one of these.
using HeldShard = std::shared_ptr<const SharedBytes>;

// Any thread may call anything. What it is given must outlive it; loads begun by prefetch() may end
// after it.
class ShardStore {
  public:
    // `below` may be null: no level on disk.
    ShardStore(SharedMemory& memory, std::shared_ptr<SealedLevel> below, Executor& executor,
               StoreLimits limits = {});
    ~ShardStore();

    // Shard `index` of an object, from memory or from the levels below. Gets of one shard at the
    // same time load it once. A hit costs under a microsecond; a load what the level below costs,
    // about 30 ms for 32 MiB from disk.
    // Errors: invalid_argument when there is no such shard; those of cold storage, which are not
    // remembered; corrupt when what was opened has another size; resource_exhausted when it does
    // not fit beside what is being read.
    Result<HeldShard> get(const std::shared_ptr<OpenObject>& object, std::uint32_t index);

    // Begins to load up to `count` shards from `first` on in the background and returns how many
    // it began: none that is there, and no more than prefetches_max at a time.
    std::uint32_t prefetch(const std::shared_ptr<OpenObject>& object, std::uint32_t first,
                           std::uint32_t count);

    // Lets the shard go from memory; who reads it goes on, and its bytes count until then.
    void drop(const ShardName& name);
    bool holds(const ShardName& name) const;
    StoreStats stats() const;
    std::uint64_t memory_max() const;

  private:
    struct State;
    const std::shared_ptr<State> state_;  // shared with prefetches under way
};

}  // namespace mutirao::hot
