#include "hot/ring.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "base/random.hpp"

namespace mutirao::hot {
namespace {

std::vector<RingMember> members_of(std::uint32_t count, std::uint64_t seed = 1) {
    SeededRandom random(seed);
    std::set<Address> nodes;
    while (nodes.size() < count) nodes.insert(random.fixed<Address>());
    std::vector<RingMember> out;
    for (const auto& node : nodes) out.push_back({node, 1});
    return out;
}

std::vector<std::uint32_t> held(const Ring& ring) {
    std::vector<std::uint32_t> out(ring.members().size());
    for (std::uint32_t arc = 0; arc < kArcs; ++arc) ++out[ring.owner(arc)];
    return out;
}

// Arcs whose owner is another in `after`.
std::uint32_t moved(const Ring& before, const Ring& after) {
    std::uint32_t count = 0;
    for (std::uint32_t arc = 0; arc < kArcs; ++arc)
        count += before.members()[before.owner(arc)].node != after.members()[after.owner(arc)].node;
    return count;
}

TEST(Ring, owners_are_those_of_the_vectors) {
    std::ifstream file(MUTIRAO_VECTORS "/hot/ring.txt");
    std::vector<RingMember> members;
    std::string line, kind, name;
    int cases = 0;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        words >> kind;
        if (kind == "case") {
            words >> name;
            members.clear();
        } else if (kind == "member") {
            std::string address;
            RingMember member;
            words >> address >> member.weight;
            member.node = Address::from_hex(address).value();
            members.push_back(member);
        } else {
            const auto ring = Ring::make(members).value();
            for (std::uint32_t arc = 0; arc < kArcs; ++arc) {
                std::uint32_t owner = ~0u;
                words >> owner;
                ASSERT_EQ(ring.owner(arc), owner) << name << " " << arc;
            }
            ++cases;
        }
    }
    EXPECT_EQ(cases, 5);
}

TEST(Ring, nobody_keeps_more_than_a_quarter_over_their_share) {
    for (const std::uint32_t count : {1u, 2u, 5u, 40u, 300u}) {
        auto members = members_of(count);
        std::uint64_t total = 0;
        for (std::uint32_t i = 0; i < count; ++i) total += members[i].weight = 1 + i * 7 % 5;
        const auto arcs = held(Ring::make(members).value());
        for (std::uint32_t i = 0; i < count; ++i) {
            const double share = kArcs * double(members[i].weight) / double(total);
            EXPECT_LE(arcs[i], 1.25 * share + 1);
        }
    }
}

TEST(Ring, share_follows_weight) {
    auto members = members_of(10);
    members[4].weight = 8;
    EXPECT_NEAR(held(Ring::make(members).value())[4], kArcs * 8.0 / 17, kArcs * 0.04);
}

TEST(Ring, little_moves_when_a_member_comes_or_goes) {
    for (const std::uint32_t count : {4u, 8u, 20u, 100u}) {
        const auto all = members_of(count);
        const auto before = Ring::make(all).value();
        std::uint32_t most = 0;
        for (std::uint32_t gone = 0; gone < count; gone += 1 + count / 8) {
            auto fewer = all;
            fewer.erase(fewer.begin() + gone);
            most = std::max(most, moved(before, Ring::make(fewer).value()));
        }
        EXPECT_LE(most, 1.6 * kArcs / count) << count << " members";
    }
}

TEST(Ring, more_weight_moves_arcs_to_that_member_only_while_no_bound_is_met) {
    auto members = members_of(8);
    const auto before = Ring::make(members).value();
    members[3].weight = 2;
    const auto after = Ring::make(members).value();
    EXPECT_GT(held(after)[3], held(before)[3]);
    EXPECT_LE(moved(before, after), kArcs / 6);
}

TEST(Ring, the_order_begins_at_home_and_names_everybody_once) {
    const auto ring = Ring::make(members_of(9)).value();
    SeededRandom random(5);
    for (int i = 0; i < 50; ++i) {
        const ShardName name{random.fixed<Digest>(), random.fixed<BlockId>()};
        const auto order = ring.order(name);
        EXPECT_EQ(order.front(), ring.home(name));
        EXPECT_EQ(std::set<std::uint32_t>(order.begin(), order.end()).size(), 9u);
    }
}

TEST(Ring, refuses_members_that_are_not_canonical) {
    EXPECT_FALSE(Ring::make({}).ok());
    auto twice = members_of(2);
    twice[1] = twice[0];
    EXPECT_FALSE(Ring::make(twice).ok());
    for (const auto weight : {0u, 65u}) {
        auto wrong = members_of(2);
        wrong[0].weight = weight;
        EXPECT_FALSE(Ring::make(wrong).ok());
    }
}

}  // namespace
}  // namespace mutirao::hot
