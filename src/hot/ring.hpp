// Which node is a shard's home: a pure function of the shard and the members, the same on every
// machine. Rendezvous hashing (Thaler, Ravishankar 1998) over 4096 arcs with bounded loads
// (Mirrokni, Thorup, Zadimoghaddam 2018, c = 1.25), in integers. docs/reference/hot-tier.md.
#pragma once

#include <cstdint>
#include <vector>

#include "hot/open_object.hpp"

namespace mutirao::hot {

inline constexpr std::uint32_t kArcs = 4096;
inline constexpr std::uint32_t kRingWeightMax = 64;

struct RingMember {
    Address node;
    std::uint32_t weight = 1;  // memory, in any unit that all share: 1 to kRingWeightMax
    bool operator==(const RingMember&) const = default;
};

// Any thread may read.
class Ring {
  public:
    // invalid_argument when members are not sorted by address, repeat, weigh 0 or too much, or when
    // there is none. Takes about 4 us for each member and unit of weight.
    static Result<Ring> make(std::vector<RingMember> members);

    static std::uint32_t arc_of(const ShardName& name);
    // Index of the member that keeps the arc (< kArcs). A lookup.
    std::uint32_t owner(std::uint32_t arc) const { return owners_[arc]; }
    std::uint32_t home(const ShardName& name) const { return owner(arc_of(name)); }
    // All members, the home first, then those to ask when it is gone, best first.
    std::vector<std::uint32_t> order(const ShardName& name) const;
    const std::vector<RingMember>& members() const { return members_; }

  private:
    std::uint64_t score(std::uint32_t member, std::uint32_t arc) const;

    std::vector<RingMember> members_;
    std::vector<std::uint64_t> seeds_;
    std::vector<std::uint32_t> owners_;  // of each arc
};

}  // namespace mutirao::hot
