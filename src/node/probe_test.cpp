#include "node/probe.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "crypto/account.hpp"
#include "net/address.hpp"

namespace mutirao::node {
namespace {

class TestClock final : public Clock {
  public:
    Duration monotonic() override { return now; }
    std::uint64_t unix_ms() override { return wall_ms; }
    void sleep(Duration duration) override { now += duration; }
    Duration now{0};
    std::uint64_t wall_ms = 1'000'000;
};

// One peer at "peer", another at its own endpoint; every call takes a while each way.
class TwoNodes final : public Network {
  public:
    Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan request,
                       Duration) override {
        ++calls;
        if (peer != "peer" && peer != reachable)
            return Error{ErrorKind::unavailable, "nobody listens at " + peer};
        ours.now += kWay;
        theirs.wall_ms = ours.wall_ms + 10 + ahead_ms;
        auto answer = probe.serve(caller, method, request);
        ours.now += kWay;
        return answer;
    }

    static constexpr auto kWay = std::chrono::milliseconds(10);
    TestClock ours, theirs;
    std::uint64_t ahead_ms = 0;
    net::Caller caller{{}, "192.0.2.7"};
    std::string reachable;
    int calls = 0;
    Probe probe{*this, theirs};
};

std::string endpoint_at(const char* address) {
    SeededRandom random(1);
    return net::peer_name(crypto::AccountKey::generate(random).address(), address);
}

TEST(Probe, tells_the_way_there_and_back_the_clock_and_our_address) {
    TwoNodes network;
    network.ahead_ms = 2500;
    const auto asked = ask(network, network.ours, "peer", 1000, 5000, std::chrono::seconds(1));
    ASSERT_TRUE(asked.ok()) << asked.error().message;
    EXPECT_EQ(asked->round_trip, 2 * TwoNodes::kWay);
    EXPECT_NEAR(asked->clock_ahead_s, 2.5, 1e-9);
    EXPECT_EQ(asked->origin, "192.0.2.7");
}

TEST(Probe, carries_at_most_a_mebibyte_each_way) {
    TwoNodes network;
    const auto most = kProbePaddingMax;
    const auto limit = std::chrono::seconds(1);
    EXPECT_TRUE(ask(network, network.ours, "peer", most, most, limit).ok());
    EXPECT_EQ(ask(network, network.ours, "peer", most + 1, 0, limit).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_EQ(ask(network, network.ours, "peer", 0, most + 1, limit).error().kind,
              ErrorKind::invalid_argument);
}

TEST(Probe, dials_back_to_the_callers_own_address) {
    TwoNodes network;
    const auto own = endpoint_at("192.0.2.7:4000");
    const auto missed = ask_to_dial(network, "peer", own);
    ASSERT_FALSE(missed.ok());
    EXPECT_EQ(missed.error(), (Error{ErrorKind::unavailable, "nobody listens at " + own}));
    network.reachable = own;
    EXPECT_TRUE(ask_to_dial(network, "peer", own).ok());
}

TEST(Probe, calls_nobody_else_in_the_callers_name) {
    TwoNodes network;
    for (const auto& place : {endpoint_at("192.0.2.8:4000"), endpoint_at("example.org:4000"),
                              std::string("192.0.2.7:4000")}) {
        network.calls = 0;
        EXPECT_EQ(ask_to_dial(network, "peer", place).error().kind, ErrorKind::permission_denied);
        EXPECT_EQ(network.calls, 1) << place;  // the request itself
    }
    EXPECT_EQ(ask_to_dial(network, "peer", "nonsense").error().kind, ErrorKind::invalid_argument);
}

TEST(Probe, refuses_bytes_that_are_no_request_and_other_methods) {
    const TwoNodes network;
    const Bytes junk{0xff, 0xff, 0xff};
    EXPECT_EQ(network.probe.serve({}, "/mutirao.v1.Probe/Ask", junk).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_EQ(network.probe.serve({}, "/mutirao.v1.Probe/Sing", {}).error().kind,
              ErrorKind::unimplemented);
}

}  // namespace
}  // namespace mutirao::node
