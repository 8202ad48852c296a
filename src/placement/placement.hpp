// Which node holds which slot: a pure function of (block id, slot, membership epoch), the same on
// every machine, so no per-block location is kept anywhere.
//
// Weighted rendezvous hashing (Thaler, Ravishankar 1998; weighted form: Schindelhauer, Schomaker
// 2005) over 2^16 virtual shards: a block belongs to one of 256 groups by the first byte of its id,
// and (group, slot) is the virtual shard. All blocks of a group share one slot table, so audits of
// many blocks aggregate. Slots are given out in order, each to the best score among
//   1. nodes that hold less than 1.1 times their fair share of the group, rounded up, and whose
//      failure domain holds less than a third of the group (85 slots: half of what a block may
//      lose); when there is none,
//   2. nodes that hold less than 1.1 times their fair share.
// What overflows goes to the next score. Integers only: ledger, nodes and clients must agree.
// docs/reference/placement.md; docs/decisions/0012-placement.md compares with other ways.
//
// Pure; any thread may read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::placement {

inline constexpr std::uint32_t kSlots = 256;
inline constexpr std::uint32_t kGroups = 256;
inline constexpr std::uint32_t kDomainSlotsMax = kSlots / 3;  // while another domain has room
inline constexpr std::size_t kDomainSizeMax = 64;             // bytes of a domain's name

struct Member {
    Address node;
    std::uint32_t weight = 1;  // capacity, in any unit that all members share; at least 1
    std::string domain;        // failure domain (zone or operator); empty: one of its own
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
    // invalid_argument when members are not sorted, repeat, weigh 0, or when there is none. A
    // group's table is made when it is first asked for, by whichever thread asks: about 0.8 us a
    // member (3 ms for 4096), 0.2 s for all groups of 1000 members. 130 KiB.
    static Result<Placement> make(Membership membership);

    const Membership& membership() const { return membership_; }

    // Member index that holds `slot` (< kSlots) of the block.
    std::uint32_t owner(const BlockId& block, std::uint32_t slot) const;
    // Slots that a member holds of the block, ascending.
    std::vector<std::uint32_t> slots_of(const BlockId& block, std::uint32_t member) const;
    // How many slots each member holds of the block.
    std::vector<std::uint32_t> slots_held(const BlockId& block) const;

  private:
    using Table = std::array<std::uint16_t, kSlots>;  // owner of each slot
    struct Groups {
        std::array<std::once_flag, kGroups> made;
        std::array<Table, kGroups> tables;
    };

    const Table& table(const BlockId& block) const;
    Table make_table(std::uint32_t group) const;

    Membership membership_;
    std::vector<std::uint64_t> seeds_;    // of each member, as are the next three
    std::vector<std::uint32_t> weights_;  // beside the rest, because all are read for each slot
    std::vector<std::uint32_t> caps_;     // slots of a group that it may hold
    std::vector<std::uint32_t> domains_;  // number of its failure domain
    std::uint32_t domain_count_ = 0;
    std::shared_ptr<Groups> groups_;  // of all copies: they are the same
};

// -ln(x / 2^64) in units of 2^-32, for x in [1, 2^64): fixed point, exact on every machine.
std::uint64_t negative_log(std::uint64_t x);

}  // namespace mutirao::placement
