#include "placement/placement.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <set>

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

// Golden vector: placement is agreed state, so a change of these numbers is a change of protocol.
TEST(Placement, golden_owners_of_group_zero) {
    const auto placement = Placement::make(membership_of(8)).value();
    std::vector<std::uint32_t> owners;
    for (std::uint32_t slot = 0; slot < 16; ++slot)
        owners.push_back(placement.owner(block_in_group(0), slot));
    const std::vector<std::uint32_t> expected{1, 5, 4, 1, 6, 1, 5, 6, 2, 2, 1, 3, 4, 3, 2, 2};
    EXPECT_EQ(owners, expected);
}

}  // namespace
}  // namespace mutirao::placement
