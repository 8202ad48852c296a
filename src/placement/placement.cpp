#include "placement/placement.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <string_view>

namespace mutirao::placement {
namespace {

__extension__ typedef unsigned __int128 u128;

// ln 2 in units of 2^-64.
constexpr std::uint64_t kLn2 = 0xb17217f7d1cf79abu;

// A 64-bit mixer (SplitMix64's finaliser) over the virtual shard and the node's address: placement
// needs a fixed spread, not secrecy.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

std::uint64_t member_seed(const Address& node) {
    std::uint64_t seed = 0;
    for (const auto byte : node.bytes) seed = mix(seed ^ byte);
    return seed;
}

// log2 of a mantissa in [1, 2), given as 1.63 fixed point, with 32 fractional bits: by repeated
// squaring, one bit a step.
std::uint64_t log2_of_mantissa(std::uint64_t mantissa) {
    std::uint64_t fraction = 0;
    for (int bit = 31; bit >= 0; --bit) {
        const u128 square = static_cast<u128>(mantissa) * mantissa;  // 2.126 fixed point
        const bool carries = square >> 127 != 0;
        if (carries) fraction |= std::uint64_t{1} << bit;
        mantissa = static_cast<std::uint64_t>(square >> (carries ? 64 : 63));
    }
    return fraction;
}

// log2(1 + i / 4096) in units of 2^-32: between two entries a straight line is within 2^-26.
constexpr int kTableBits = 12;
using LogTable = std::array<std::uint64_t, (1u << kTableBits) + 1>;

const LogTable& log2_table() {
    static const LogTable table = [] {
        LogTable out;
        for (std::uint64_t i = 0; i < 1u << kTableBits; ++i)
            out[i] = log2_of_mantissa((std::uint64_t{1} << 63) + (i << (63 - kTableBits)));
        out.back() = std::uint64_t{1} << 32;
        return out;
    }();
    return table;
}

// The hash that a node draws for a virtual shard, uniform over 64 bits and never 0.
std::uint64_t draw(std::uint64_t seed, std::uint64_t mixed_shard) {
    return std::max<std::uint64_t>(1, mix(seed ^ mixed_shard));
}

// The lowest rendezvous score so far, floor(-ln(h) * 2^64 / weight). Most nodes lose by far, and
// are turned away without a logarithm or a division.
class Lowest {
  public:
    bool offer(std::uint64_t h, std::uint32_t weight) {
        // -ln x >= 1 - x, and neither the chords of the table (they run below the curve) nor what
        // is rounded off make negative_log smaller than this by more than 1.
        const std::uint64_t least = std::max<std::uint64_t>(1, ~h >> 32) - 1;
        if (least >= static_cast<u128>(ceiling_) * weight) return false;
        const u128 widened = static_cast<u128>(negative_log(h)) << 32;
        if (found_ && widened >= score_ * weight) return false;  // floor(x / w) < s iff x < s * w
        score_ = widened / weight;
        ceiling_ = static_cast<std::uint64_t>(score_ >> 32) + 1;
        found_ = true;
        return true;
    }

  private:
    u128 score_ = 0;                             // under 2^70
    std::uint64_t ceiling_ = ~std::uint64_t{0};  // over score_ / 2^32
    bool found_ = false;
};

}  // namespace

std::uint64_t negative_log(std::uint64_t x) {
    ENSURE(x > 0);
    const auto& table = log2_table();
    const int exponent = 63 - std::countl_zero(x);
    const std::uint64_t mantissa = x << (63 - exponent) << 1;  // fraction of [1, 2), 0.64
    const std::uint64_t index = mantissa >> (64 - kTableBits);
    const std::uint64_t rest = mantissa << kTableBits >> 32;  // 0.32
    const std::uint64_t low = table[index];
    const std::uint64_t fraction = low + ((table[index + 1] - low) * rest >> 32);
    const std::uint64_t log2 = (static_cast<std::uint64_t>(exponent) << 32) + fraction;
    const std::uint64_t below_64 = (std::uint64_t{64} << 32) - log2;
    return static_cast<std::uint64_t>(static_cast<u128>(below_64) * kLn2 >> 64);
}

std::optional<std::uint32_t> Membership::find(const Address& node) const {
    const auto at = std::lower_bound(members.begin(), members.end(), node,
                                     [](const Member& m, const Address& a) { return m.node < a; });
    if (at == members.end() || at->node != node) return std::nullopt;
    return static_cast<std::uint32_t>(at - members.begin());
}

Result<Placement> Placement::make(Membership membership) {
    const auto& members = membership.members;
    if (members.empty() || members.size() > 65536)
        return Error{ErrorKind::invalid_argument,
                     "a membership has 1 to 65536 nodes, not " + std::to_string(members.size())};
    for (std::size_t i = 0; i < members.size(); ++i)
        if (members[i].weight == 0 || (i > 0 && !(members[i - 1].node < members[i].node)))
            return Error{
                ErrorKind::invalid_argument,
                "members must be sorted by address, without repeats, and weigh at least 1"};

    Placement out;
    std::uint64_t total_weight = 0;
    for (const auto& member : members) total_weight += member.weight;
    std::map<std::string_view, std::uint32_t> named;
    for (const auto& member : members) {
        out.seeds_.push_back(member_seed(member.node));
        out.weights_.push_back(member.weight);
        // ceil(1.1 * 256 * weight / total)
        const u128 bound = static_cast<u128>(member.weight) * kSlots * 11;
        const u128 unit = static_cast<u128>(total_weight) * 10;
        out.caps_.push_back(static_cast<std::uint32_t>((bound + unit - 1) / unit));
        auto domain = out.domain_count_;
        if (!member.domain.empty()) domain = named.try_emplace(member.domain, domain).first->second;
        out.domains_.push_back(domain);
        if (domain == out.domain_count_) ++out.domain_count_;
    }
    out.groups_ = std::make_shared<Groups>();
    out.membership_ = std::move(membership);
    return out;
}

Placement::Table Placement::make_table(std::uint32_t group) const {
    const auto count = static_cast<std::uint32_t>(seeds_.size());
    std::vector<std::uint32_t> held(count, 0), in_domain(domain_count_, 0);
    const auto best_of = [&](std::uint32_t slot, std::uint32_t domain_max) {
        const auto shard = mix(group << 8 | slot);
        Lowest lowest;
        auto best = count;
        for (std::uint32_t i = 0; i < count; ++i)
            if (held[i] < caps_[i] && in_domain[domains_[i]] < domain_max &&
                lowest.offer(draw(seeds_[i], shard), weights_[i]))
                best = i;
        return best;
    };
    Table out;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        auto best = best_of(slot, kDomainSlotsMax);
        if (best == count) best = best_of(slot, kSlots);
        ENSURE(best < count, "caps sum to more than all slots");
        ++held[best];
        ++in_domain[domains_[best]];
        out[slot] = static_cast<std::uint16_t>(best);
    }
    return out;
}

const Placement::Table& Placement::table(const BlockId& block) const {
    const std::uint32_t group = block.bytes[0];
    std::call_once(groups_->made[group], [&] { groups_->tables[group] = make_table(group); });
    return groups_->tables[group];
}

std::uint32_t Placement::owner(const BlockId& block, std::uint32_t slot) const {
    ENSURE(slot < kSlots);
    return table(block)[slot];
}

std::vector<std::uint32_t> Placement::slots_of(const BlockId& block, std::uint32_t member) const {
    const auto& owners = table(block);
    std::vector<std::uint32_t> slots;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot)
        if (owners[slot] == member) slots.push_back(slot);
    return slots;
}

std::vector<std::uint32_t> Placement::slots_held(const BlockId& block) const {
    std::vector<std::uint32_t> held(membership_.members.size(), 0);
    for (const auto owner : table(block)) ++held[owner];
    return held;
}

}  // namespace mutirao::placement
