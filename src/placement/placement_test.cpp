#include "placement/placement.hpp"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

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

// Slots of all groups whose owner is another one, as a share of all slots.
double moved(const Membership& from, const Membership& to) {
    const auto before = Placement::make(from).value();
    const auto after = Placement::make(to).value();
    std::uint32_t count = 0;
    for (std::uint32_t group = 0; group < kGroups; ++group)
        for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
            const auto id = block_in_group(static_cast<std::uint8_t>(group));
            count +=
                from.members[before.owner(id, slot)].node != to.members[after.owner(id, slot)].node;
        }
    return count / 65536.0;
}

double share_of(const Membership& membership, std::size_t member) {
    double sum = 0;
    for (const auto& each : membership.members) sum += each.weight;
    return membership.members[member].weight / sum;
}

Membership without(Membership membership, std::size_t member) {
    membership.members.erase(membership.members.begin() + static_cast<std::ptrdiff_t>(member));
    return membership;
}

TEST(Placement, a_node_that_joins_or_leaves_moves_about_its_share_and_little_else) {
    for (const std::uint32_t count : {8u, 20u, 100u, 300u}) {
        const auto all = membership_of(count, 5);
        // Its own slots must move; the cap of 1.1 times the fair share moves some more.
        EXPECT_GE(moved(all, without(all, 7)), 0.8 / count);
        EXPECT_LE(moved(all, without(all, 7)), 2.5 / count);
    }
}

TEST(Placement, a_node_that_joins_or_leaves_moves_little_among_zones_too) {
    for (const std::uint32_t zones : {3u, 4u, 8u}) {
        auto all = membership_of(48, zones);
        for (std::size_t i = 0; i < 48; ++i)
            all.members[i].domain = "zone " + std::to_string(i % zones);
        EXPECT_GE(moved(all, without(all, 20)), 0.8 / 48);
        EXPECT_LE(moved(all, without(all, 20)), 3.0 / 48);
    }
}

TEST(Placement, a_weight_that_changes_moves_about_the_difference) {
    const auto before = membership_of(20, 6);
    auto after = before;
    after.members[3].weight = 2;
    const auto difference = share_of(after, 3) - share_of(before, 3);
    EXPECT_GE(moved(before, after), 0.8 * difference);
    EXPECT_LE(moved(before, after), 2.5 * difference);
}

TEST(Placement, shares_follow_weights_within_the_cap) {
    auto membership = membership_of(40, 8);
    SeededRandom random(8);
    for (auto& member : membership.members)
        member.weight = 1 + static_cast<std::uint32_t>(random.below(8));
    const auto placement = Placement::make(membership).value();
    std::vector<double> held(40, 0);
    for (std::uint32_t group = 0; group < kGroups; ++group) {
        const auto of_group =
            placement.slots_held(block_in_group(static_cast<std::uint8_t>(group)));
        for (std::size_t i = 0; i < held.size(); ++i) held[i] += of_group[i] / 65536.0;
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
        // The cap cuts more off a node whose share of a group is a slot or two.
        EXPECT_GT(held[i] / share_of(membership, i), 0.75) << i;
        EXPECT_LT(held[i] / share_of(membership, i), 1.1) << i;
    }
}

// The rules as the header says them, without any shortcut.
std::vector<std::uint32_t> owners_by_the_rules(const Membership& membership, std::uint32_t group) {
    __extension__ typedef unsigned __int128 u128;
    const auto mix = [](std::uint64_t x) {
        x += 0x9e3779b97f4a7c15u;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
    };
    std::uint64_t weight = 0;
    for (const auto& member : membership.members) weight += member.weight;
    std::map<std::string, std::uint32_t> in_domain;
    std::vector<std::uint32_t> held(membership.members.size(), 0), out;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        std::optional<std::pair<bool, u128>> best;
        std::size_t owner = 0;
        for (std::size_t i = 0; i < held.size(); ++i) {
            const auto& member = membership.members[i];
            if (held[i] >= (11ull * 256 * member.weight + 10 * weight - 1) / (10 * weight))
                continue;
            std::uint64_t seed = 0;
            for (const auto byte : member.node.bytes) seed = mix(seed ^ byte);
            const auto h = std::max<std::uint64_t>(1, mix(seed ^ mix(group << 8 | slot)));
            const auto score = (static_cast<u128>(negative_log(h)) << 32) / member.weight;
            const auto domain = member.domain.empty() ? member.node.hex() : member.domain;
            const std::pair ranked(in_domain[domain] >= kDomainSlotsMax, score);
            if (!best || ranked < *best) best = ranked, owner = i;
        }
        const auto& member = membership.members[owner];
        ++held[owner], ++in_domain[member.domain.empty() ? member.node.hex() : member.domain];
        out.push_back(static_cast<std::uint32_t>(owner));
    }
    return out;
}

TEST(Placement, turning_most_nodes_away_early_changes_nothing) {
    SeededRandom random(11);
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        auto membership =
            with_domains(1 + seed * 7 % 200, 1 + static_cast<std::uint32_t>(seed % 9), seed);
        const auto wide = static_cast<int>(seed % 33);  // weights of up to this many bits
        for (auto& member : membership.members) {
            member.weight = static_cast<std::uint32_t>(
                1 + random.below(std::max<std::uint64_t>(1, (std::uint64_t{1} << wide) - 1)));
            if (random.below(3) == 0) member.domain.clear();
        }
        const auto placement = Placement::make(membership).value();
        const auto group = static_cast<std::uint8_t>(random.below(256));
        const auto expected = owners_by_the_rules(membership, group);
        for (std::uint32_t slot = 0; slot < kSlots; ++slot)
            ASSERT_EQ(placement.owner(block_in_group(group), slot), expected[slot]) << seed;
    }
}

TEST(Placement, the_logarithm_is_never_under_the_bound_that_turns_nodes_away) {
    SeededRandom random(12);
    const auto holds = [](std::uint64_t h) { return negative_log(h) + 1 >= ~h >> 32; };
    for (int bits = 0; bits < 64; ++bits) {
        EXPECT_TRUE(holds(~std::uint64_t{0} >> bits));
        EXPECT_TRUE(holds(~(~std::uint64_t{0} >> 1 >> bits)));
        EXPECT_TRUE(holds(std::uint64_t{1} << bits));
    }
    for (int i = 0; i < 100'000; ++i) {
        EXPECT_TRUE(holds(random.next_u64() | 1));
        EXPECT_TRUE(holds(~(random.next_u64() >> random.below(64)) | 1));
    }
}

// Names of domains say who fails together and nothing else.
TEST(Placement, other_names_for_the_same_domains_place_alike) {
    const auto membership = with_domains(30, 5, 4);
    auto renamed = membership;
    for (auto& member : renamed.members)
        member.domain = "9 - " + member.domain.substr(5) + " (new)";
    EXPECT_EQ(moved(membership, renamed), 0);
    auto alone = membership_of(30, 4), named = alone;
    for (auto& member : named.members) member.domain = member.node.hex();
    EXPECT_EQ(moved(alone, named), 0);
}

TEST(Placement, every_slot_has_an_owner_whatever_the_weights_and_domains) {
    SeededRandom random(13);
    for (int round = 0; round < 60; ++round) {
        auto membership =
            membership_of(1 + static_cast<std::uint32_t>(random.below(12)), 100 + round);
        for (auto& member : membership.members) {
            const std::uint32_t weights[] = {1, 2, 1000, 0x7fffffff, 0xffffffff};
            member.weight = weights[random.below(5)];
            member.domain = round % 3 == 0 ? "all" : random.below(2) == 0 ? "half" : "";
        }
        const auto placement = Placement::make(membership).value();
        const auto held = placement.slots_held(block_in_group(static_cast<std::uint8_t>(round)));
        EXPECT_EQ(std::accumulate(held.begin(), held.end(), 0u), kSlots);
    }
}

TEST(Placement, threads_that_ask_first_at_the_same_time_read_the_same_tables) {
    const auto membership = with_domains(24, 4, 9);
    const auto one = Placement::make(membership).value(),
               other = Placement::make(membership).value();
    const auto sum_of = [](const Placement& placement) {
        std::uint64_t sum = 0;
        for (std::uint32_t group = 0; group < kGroups; ++group)
            for (std::uint32_t slot = 0; slot < kSlots; ++slot)
                sum = sum * 31 +
                      placement.owner(block_in_group(static_cast<std::uint8_t>(group)), slot);
        return sum;
    };
    std::vector<std::uint64_t> sums(4);
    std::vector<std::thread> threads;
    for (auto& sum : sums) threads.emplace_back([&, copy = one] { sum = sum_of(copy); });
    for (auto& thread : threads) thread.join();
    for (const auto sum : sums) EXPECT_EQ(sum, sum_of(other));
}

}  // namespace
}  // namespace mutirao::placement
