// Which node holds which slot: a pure function of (block id, slot, membership epoch), the same on
// every machine, so no per-block location is kept anywhere.
//
// Weighted rendezvous hashing (Thaler, Ravishankar 1998; weighted form: Schindelhauer, Schomaker
// 2005) over 2^16 virtual shards: a block belongs to one of 256 groups by the first byte of its id,
// and (group, slot) is the virtual shard. All blocks of a group share one slot table, so audits of
// many blocks aggregate. Within a group no node holds more than 1.1 times its fair share, rounded
// up: what overflows goes to the next score. Integers only: ledger, nodes and clients must agree.
//
// Pure; after construction any thread may read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::placement {

inline constexpr std::uint32_t kSlots = 256;
inline constexpr std::uint32_t kGroups = 256;

struct Member {
    Address node;
    std::uint32_t weight = 1;  // capacity, in any unit that all members share; at least 1
    std::string domain;        // failure domain (zone or operator); empty when unknown
    bool operator==(const Member&) const = default;
};

struct Membership {
    std::uint64_t epoch = 0;
    std::vector<Member> members;  // sorted by address, without repeats

    // Index of a node, if it is a member.
    std::optional<std::uint32_t> find(const Address& node) const;
    bool operator==(const Membership&) const = default;
};

class Placement {
  public:
    // invalid_argument when members are not sorted, repeat, weigh 0, or when there is none.
    // Cost: 65,536 scores a member (about 1 ms a member).
    static Result<Placement> make(Membership membership);

    const Membership& membership() const { return membership_; }

    // Member index that holds `slot` (< kSlots) of the block.
    std::uint32_t owner(const BlockId& block, std::uint32_t slot) const;
    // Slots that a member holds of the block, ascending.
    std::vector<std::uint32_t> slots_of(const BlockId& block, std::uint32_t member) const;
    // How many slots each member holds of the block.
    std::vector<std::uint32_t> slots_held(const BlockId& block) const;

  private:
    Membership membership_;
    std::vector<std::array<std::uint16_t, kSlots>> owners_;  // [group][slot]
};

// -ln(x / 2^64) in units of 2^-32, for x in [1, 2^64): fixed point, exact on every machine.
std::uint64_t negative_log(std::uint64_t x);

}  // namespace mutirao::placement
