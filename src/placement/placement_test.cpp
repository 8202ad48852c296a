#include "placement/placement.hpp"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "base/random.hpp"

namespace mutirao::placement {
namespace {

Membership membership_of(std::uint32_t count, std::uint64_t seed = 1) {
    SeededRandom random(seed);
    Membership out;
    out.epoch = seed;
    std::set<Address> nodes;
    while (nodes.size() < count) nodes.insert(random.fixed<Address>());
    for (const auto& node : nodes) out.members.push_back({node, 1, ""});
    return out;
}

BlockId block_in_group(std::uint8_t group) {
    BlockId id;
    id.bytes[0] = group;
    id.bytes[31] = 7;
    return id;
}

TEST(Placement, natural_logarithm_matches_floating_point) {
    SeededRandom random(3);
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t x = random.next_u64() >> random.below(60) | 1;
        const double expected = -(std::log(static_cast<double>(x)) - 64 * std::log(2.0));
        EXPECT_NEAR(static_cast<double>(negative_log(x)) / 4294967296.0, expected, 1e-6);
    }
}

TEST(Placement, every_slot_has_one_owner_and_no_node_exceeds_its_cap) {
    for (const std::uint32_t count : {1u, 2u, 3u, 8u, 100u, 300u}) {
        const auto placement = Placement::make(membership_of(count)).value();
        const auto cap = (256 * 11 + count * 10 - 1) / (count * 10);
        for (int group = 0; group < 256; group += 17) {
            const auto id = block_in_group(static_cast<std::uint8_t>(group));
            const auto held = placement.slots_held(id);
            std::uint32_t total = 0;
            for (std::uint32_t i = 0; i < count; ++i) {
                EXPECT_LE(held[i], cap);
                EXPECT_EQ(held[i], placement.slots_of(id, i).size());
                total += held[i];
            }
            EXPECT_EQ(total, 256u);
        }
    }
}

TEST(Placement, share_follows_weight) {
    auto membership = membership_of(10);
    membership.members[0].weight = 3;
    const auto placement = Placement::make(membership).value();
    double first = 0;
    for (int group = 0; group < 256; ++group)
        first += placement.slots_held(block_in_group(static_cast<std::uint8_t>(group)))[0];
    EXPECT_NEAR(first / 65536, 3.0 / 12, 0.02);
}

TEST(Placement, a_joining_node_moves_about_its_share_and_little_else) {
    auto before_members = membership_of(20, 5);
    auto after_members = before_members;
    after_members.members.erase(after_members.members.begin() + 7);
    const auto before = Placement::make(before_members).value();
    const auto after = Placement::make(after_members).value();
    std::uint32_t moved = 0;
    for (int group = 0; group < 256; ++group)
        for (std::uint32_t slot = 0; slot < 256; ++slot) {
            const auto id = block_in_group(static_cast<std::uint8_t>(group));
            const auto a = before.membership().members[before.owner(id, slot)].node;
            const auto b = after.membership().members[after.owner(id, slot)].node;
            moved += a != b;
        }
    EXPECT_GE(moved, 65536u / 20 * 8 / 10);
    // 1/20 must move; the capacity bound moves some more.
    EXPECT_LE(moved, 65536u / 20 * 3);
}

TEST(Placement, refuses_memberships_that_are_not_canonical) {
    EXPECT_FALSE(Placement::make(Membership{}).ok());
    auto twice = membership_of(2);
    twice.members[1] = twice.members[0];
    EXPECT_FALSE(Placement::make(twice).ok());
    auto weightless = membership_of(2);
    weightless.members[1].weight = 0;
    EXPECT_FALSE(Placement::make(weightless).ok());
}

// Golden vectors: placement is agreed state, so a change of these numbers is a change of protocol.
// vectors/placement/generate_placement.py computes them from the description alone.
TEST(Placement, owners_are_those_of_the_vectors) {
    std::ifstream file(MUTIRAO_VECTORS "/placement/placement.txt");
    ASSERT_TRUE(file.is_open());
    Membership membership;
    std::optional<Placement> placement;
    std::string line, name;
    int groups = 0;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string kind;
        words >> kind;
        if (kind == "case") {
            words >> name;
            membership = {};
            placement.reset();
        } else if (kind == "member") {
            std::string address, domain;
            Member member;
            words >> address >> member.weight >> domain;
            member.node = Address::from_hex(address).value();
            member.domain = domain == "-" ? "" : domain;
            membership.members.push_back(member);
        } else {
            if (!placement) placement = Placement::make(membership).value();
            std::uint32_t group = 0, owner = 0;
            words >> group;
            const auto id = block_in_group(static_cast<std::uint8_t>(group));
            for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
                ASSERT_TRUE(words >> owner);
                EXPECT_EQ(placement->owner(id, slot), owner) << name << " " << group << " " << slot;
            }
            ++groups;
        }
    }
    EXPECT_EQ(groups, 18);
}

Membership with_domains(std::uint32_t nodes, std::uint32_t domains, std::uint64_t seed) {
    auto out = membership_of(nodes, seed);
    SeededRandom random(seed);
    for (auto& member : out.members) {
        member.weight = 1 + static_cast<std::uint32_t>(random.below(4));
        member.domain = "zone " + std::to_string(random.below(domains));
    }
    return out;
}

// Over many memberships: whenever a domain holds more than a third, no other domain had room left.
TEST(Placement, no_domain_holds_more_than_a_third_while_another_has_room) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const auto membership =
            with_domains(4 + seed % 30, 2 + static_cast<std::uint32_t>(seed % 7), seed);
        const auto placement = Placement::make(membership).value();
        const auto held = placement.slots_held(block_in_group(9));
        std::uint64_t weight = 0;
        for (const auto& member : membership.members) weight += member.weight;
        std::map<std::string, std::uint32_t> in_domain, room;
        for (std::size_t i = 0; i < held.size(); ++i) {
            const auto& member = membership.members[i];
            in_domain[member.domain] += held[i];
            const auto cap = (11 * 256 * member.weight + 10 * weight - 1) / (10 * weight);
            EXPECT_LE(held[i], cap);
            room[member.domain] += static_cast<std::uint32_t>(cap) - held[i];
        }
        bool over = false;
        for (const auto& [domain, slots] : in_domain) over = over || slots > kDomainSlotsMax;
        if (!over) continue;
        for (const auto& [domain, slots] : in_domain)
            EXPECT_TRUE(slots >= kDomainSlotsMax || room[domain] == 0) << seed << " " << domain;
    }
}

TEST(Placement, losing_any_one_of_four_zones_leaves_two_thirds_of_every_block) {
    auto membership = membership_of(16, 3);
    for (std::size_t i = 0; i < 16; ++i)
        membership.members[i].domain = std::string(1, "abcd"[i % 4]);
    const auto placement = Placement::make(membership).value();
    for (int group = 0; group < 256; ++group) {
        const auto held = placement.slots_held(block_in_group(static_cast<std::uint8_t>(group)));
        std::map<std::string, std::uint32_t> in_domain;
        for (std::size_t i = 0; i < 16; ++i) in_domain[membership.members[i].domain] += held[i];
        for (const auto& [domain, slots] : in_domain) EXPECT_LE(slots, 85u);
    }
}

}  // namespace
}  // namespace mutirao::placement
