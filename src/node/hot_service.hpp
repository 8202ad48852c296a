// A node's hot tier: answers mutirao.v1.Hot, and local readers at its door. Compute, trainer and
// gateway nodes have one.
#pragma once

#include "hot/local_door.hpp"
#include "node/hot_members.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {

struct HotLimits {
    hot::StoreLimits store;
    std::uint64_t disk_max = std::uint64_t{1} << 30;  // bytes of ciphertext
    hot::DoorLimits door;
};

// What the service works with; all must outlive it.
struct HotPorts {
    SharedMemory& memory;
    Disk& disk;
    Clock& clock;
    Random& random;
    Executor& executor;
    hot::Opener& opener;
    HotMembers& members;
    Address self;
    crypto::BoxPublicKey box_key;
};

// Any thread may call.
class HotService {
  public:
    // io and the like when what an earlier process left on the disk cannot be listed.
    static Result<std::unique_ptr<HotService>> open(HotPorts ports, HotLimits limits = {});

    static bool serves(std::string_view method) { return method.starts_with("/mutirao.v1.Hot/"); }
    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }
    // For a server of local connections.
    LocalService& door() { return door_; }
    hot::ShardStore& store() { return store_; }

  private:
    HotService(HotPorts ports, HotLimits limits, std::shared_ptr<hot::SealedLevel> below);
    void add_methods();
    std::string home_of(const hot::ShardName& name);

    const HotPorts ports_;
    const std::shared_ptr<hot::SealedLevel> below_;
    hot::ShardStore store_;
    hot::ReadTable reads_;
    hot::LocalDoor door_;
    wire::Service service_;
};

}  // namespace mutirao::node
