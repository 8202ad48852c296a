// The node's side of local readers: who may map what, and how much of the node's memory they hold.
#pragma once

#include <map>
#include <mutex>

#include "hot/local_message.hpp"
#include "hot/read_table.hpp"

namespace mutirao::hot {

struct DoorLimits {
    std::uint64_t leased_max = 384u << 20;  // bytes that all readers together may map
    std::size_t leases_max = 1024;          // shards that one connection may map
    std::size_t reads_max = 64;             // objects that one connection may have open
};

// Answers local connections. A shard that was handed out is leased to the connection until it
// releases it, closes the read or goes: as long as that, its bytes count against the store's memory
// and against leased_max. What it is given must outlive it. Any thread may call.
class LocalDoor final : public LocalService {
  public:
    LocalDoor(ReadTable& reads, const LocalHello& hello, DoorLimits limits = {})
        : reads_(reads), hello_(hello), limits_(limits) {}

    Result<LocalMessage> answer(std::uint64_t client, ByteSpan request) override;
    void gone(std::uint64_t client) override;

    std::uint64_t leased() const;  // bytes; a shard that several connections map counts for each

  private:
    using Place = std::pair<std::uint64_t, std::uint32_t>;  // read, index
    struct Client {
        std::map<std::uint64_t, ReadId> reads;
        std::map<Place, HeldShard> leases;
        std::uint64_t opened = 0;
    };

    Result<Bytes> open(std::uint64_t client, const LocalRequest& request);
    Result<HeldShard> map(std::uint64_t client, const LocalRequest& request);
    void release(std::uint64_t client, const LocalRequest& request);
    // With mutex_ held.
    void release_read(Client& client, std::uint64_t read);

    ReadTable& reads_;
    const LocalHello hello_;
    const DoorLimits limits_;
    mutable std::mutex mutex_;  // guards everything below
    std::map<std::uint64_t, Client> clients_;
    std::uint64_t leased_ = 0;
};

}  // namespace mutirao::hot
