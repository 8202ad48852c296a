// Objects that are open for reading at this node, each for a quarter of an hour.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ports.hpp"
#include "hot/shard_store.hpp"

namespace mutirao::hot {

inline constexpr Duration kReadLife = std::chrono::minutes(15);
inline constexpr std::size_t kHotReadsMax = 1024;  // open at a time; the oldest makes room

using ReadId = FixedBytes<struct HotReadTag, 16>;  // secret: who knows it may read

// Any thread may call. What it is given must outlive it.
class ReadTable {
  public:
    ReadTable(Opener& opener, ShardStore& store, Clock& clock, Random& random)
        : opener_(opener), store_(store), clock_(clock), random_(random) {}

    struct Opened {
        ReadId id;
        std::shared_ptr<OpenObject> object;
    };
    // Opens with a signed request: the licence is checked before anything is decrypted. Errors are
    // the opener's.
    Result<Opened> open(ByteSpan credential);
    // not_found when the read was never opened here or its time is over: open it again.
    Result<std::shared_ptr<OpenObject>> find(const ReadId& id);
    // A shard of an open read. When shards are read in order, the next ones are brought meanwhile.
    Result<HeldShard> shard(const ReadId& id, std::uint32_t index);
    void close(const ReadId& id);

  private:
    struct Read {
        std::shared_ptr<OpenObject> object;
        Duration opened{0};
        std::uint32_t last = ~0u;  // shard that was read last
        std::list<ReadId>::iterator age;
    };
    Result<Read*> find_locked(const ReadId& id);

    Opener& opener_;
    ShardStore& store_;
    Clock& clock_;
    Random& random_;
    std::mutex mutex_;  // guards everything below
    std::unordered_map<ReadId, Read> reads_;
    std::list<ReadId> oldest_;  // first
};

}  // namespace mutirao::hot
