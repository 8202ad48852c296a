// The nodes that keep hot shards, and the ring they make.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "crypto/sealed_box.hpp"
#include "hot/ring.hpp"
#include "node/directory.hpp"

namespace mutirao::node {

struct HotMember {
    Address node;
    std::string endpoint;
    crypto::BoxPublicKey box_key;
    bool gateway = false;  // can also be asked for a cold read
    bool operator==(const HotMember&) const = default;
};

// Members of one moment, by address, and their ring: each weighs the same.
struct HotRing {
    std::vector<HotMember> members;
    hot::Ring ring;
};

// Any thread may call.
class HotMembers {
  public:
    // Every member by address, as known now. Called for each read: answers from memory.
    using Find = std::function<Result<std::vector<HotMember>>()>;
    explicit HotMembers(Find find) : find_(std::move(find)) {}

    // The ring of now; made anew (4 us a member) only when members have changed. unavailable when
    // there is none.
    Result<std::shared_ptr<const HotRing>> now();

  private:
    const Find find_;
    std::mutex mutex_;  // guards ring_
    std::shared_ptr<const HotRing> ring_;
};

// The active compute, trainer and gateway nodes of the ledger. The directory must outlive it.
HotMembers::Find hot_members_of(Directory& directory);

}  // namespace mutirao::node
