#include "cli/diagnosis.hpp"

#include <gtest/gtest.h>

namespace mutirao::cli {
namespace {

PeerFacts good_peer() { return {"storage 0x1", 0.02, 20e6, 100e6, 0.01, "198.51.100.4"}; }

MachineFacts good_machine() {
    return {4, true, false, 16'000'000'000, 100'000'000'000, 500'000'000'000, "0.1.0"};
}

Finding named(const std::vector<Finding>& all, std::string_view check) {
    for (const auto& each : all)
        if (each.check == check) return each;
    ADD_FAILURE() << "no finding about " << check;
    return {};
}

// Whatever is not good says what to do about it, and only that.
void expect_advice(const std::vector<Finding>& all) {
    for (const auto& each : all) {
        EXPECT_EQ(each.advice.empty(), each.health == Health::good) << each.check;
        EXPECT_FALSE(each.sentence.empty()) << each.check;
    }
}

TEST(Diagnosis, a_good_machine_on_a_good_line_needs_no_advice) {
    auto all = diagnose_machine(good_machine());
    for (auto& each : diagnose_network(1, {good_peer()})) all.push_back(each);
    all.push_back(diagnose_nat({good_peer()}, {"127.0.0.1", "198.51.100.4"}));
    all.push_back(diagnose_endpoint("storage-1", "a peer", {}));
    for (const auto& each : all) EXPECT_EQ(each.health, Health::good) << each.check;
    expect_advice(all);
}

TEST(Diagnosis, a_disk_warns_before_it_is_full) {
    auto facts = good_machine();
    const auto health = [&](std::uint64_t free) {
        facts.disk_free_bytes = free;
        const auto all = diagnose_machine(facts);
        expect_advice(all);
        return named(all, "disk").health;
    };
    EXPECT_EQ(health(25'000'000'000), Health::good);  // 5 % of the disk
    EXPECT_EQ(health(24'999'999'999), Health::weak);
    EXPECT_EQ(health(1'000'000'000), Health::weak);
    EXPECT_EQ(health(999'999'999), Health::bad);
}

TEST(Diagnosis, a_clock_is_judged_by_the_median_of_the_peers) {
    const auto clock = [](double first, double second, double third) {
        std::vector<PeerFacts> peers(3, good_peer());
        peers[0].clock_ahead_s = first;
        peers[1].clock_ahead_s = second;
        peers[2].clock_ahead_s = third;
        const auto all = diagnose_network(3, peers);
        expect_advice(all);
        return named(all, "clock");
    };
    EXPECT_EQ(clock(0, 0.499, 900).health, Health::good);  // one peer's clock is its own fault
    EXPECT_EQ(clock(0, 0.5, 900).health, Health::weak);
    EXPECT_EQ(clock(-6, -5, 0).health, Health::bad);
    EXPECT_NE(clock(-6, -5, 0).advice.find("ahead"), std::string::npos);
    EXPECT_NE(clock(5, 5, 5).advice.find("behind"), std::string::npos);
}

TEST(Diagnosis, slow_lines_and_old_processors_are_weak_not_bad) {
    auto peer = good_peer();
    peer.up_bits = 0.9e6;
    peer.down_bits = 3.9e6;
    peer.round_trip_s = 0.3;
    auto machine = good_machine();
    machine.avx2 = false;
    machine.memory_bytes = 1'999'999'999;
    auto all = diagnose_network(2, {peer});
    for (auto& each : diagnose_machine(machine)) all.push_back(each);
    for (const auto* check : {"upload", "download", "round trip", "peers", "processor", "memory"})
        EXPECT_EQ(named(all, check).health, Health::weak) << check;
    expect_advice(all);
}

TEST(Diagnosis, nobody_who_answers_is_a_problem) {
    const auto all = diagnose_network(3, {});
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].health, Health::bad);
    expect_advice(all);
}

TEST(Diagnosis, an_address_that_is_not_ours_is_nat) {
    const auto found = diagnose_nat({good_peer()}, {"127.0.0.1", "192.168.1.7"});
    EXPECT_EQ(found.health, Health::weak);
    EXPECT_NE(found.advice.find("--advertise 198.51.100.4:PORT"), std::string::npos);
}

TEST(Diagnosis, an_endpoint_that_is_not_reached_says_why_and_what_to_do) {
    const auto shut =
        diagnose_endpoint("storage-1", "a peer", Error{ErrorKind::unavailable, "nobody listens"});
    EXPECT_EQ(shut.health, Health::bad);
    EXPECT_NE(shut.sentence.find("nobody listens"), std::string::npos);
    const auto other =
        diagnose_endpoint("storage-1", "a peer", Error{ErrorKind::permission_denied, "not yours"});
    EXPECT_EQ(other.health, Health::weak);
    expect_advice({shut, other});
}

}  // namespace
}  // namespace mutirao::cli
