// What a data channel's server bounds, and that what is over a bound waits or goes without harm to
// others.
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "net/test_channel.hpp"

namespace mutirao::net {
namespace {

constexpr std::size_t kMiB = 1 << 20;

Caller caller_named(std::uint8_t name) {
    Address account;
    account.bytes[0] = name;
    return {account, ""};
}

// Requests of many callers, held at a gate where their method says so.
Serve held_at(Gate& gate) {
    return [&](std::string_view method, ByteSpan request) -> Result<Bytes> {
        if (method == "/hold") gate.pass();
        return to_bytes(request);
    };
}

TEST(ChannelLimits, hundreds_of_one_callers_calls_do_not_delay_another_callers) {
    Gate gate;
    Peer peer(held_at(gate), {.handlers_max = 2, .caller_handlers_max = 1});
    SeededRandom random(1);
    std::vector<std::unique_ptr<ChannelNetwork>> greedy;
    std::atomic<int> answered = 0;
    for (int connection = 0; connection < 4; ++connection) {
        greedy.push_back(std::make_unique<ChannelNetwork>(peer.introduce(caller_named(1)), random));
        ASSERT_TRUE(greedy.back()->call("peer", "/echo", {}, seconds(5)).ok());
    }
    for (int i = 0; i < 400; ++i)
        greedy[static_cast<std::size_t>(i % 4)]->start("peer", "/hold", Message::of({}),
                                                       seconds(30), [&](auto) { ++answered; });
    ASSERT_TRUE(gate.wait_for(1));
    ChannelNetwork modest(peer.introduce(caller_named(2)), random);
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(modest.call("peer", "/echo", bytes_of(1000, 1), seconds(5)).ok());
    EXPECT_EQ(gate.here(), 1) << "of one caller one runs";
    gate.open();
    for (int i = 0; i < 2000 && answered < 400; ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_EQ(answered, 400);
}

TEST(ChannelLimits, calls_beyond_those_of_a_connection_wait_at_the_senders) {
    Gate gate;
    Peer peer(held_at(gate), {.calls_max = 2});
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(caller_named(1)), random);
    ChannelNetwork other(peer.introduce(caller_named(1)), random);
    std::atomic<int> answered = 0;
    for (int i = 0; i < 10; ++i)
        network.start("peer", "/hold", Message::of({}), seconds(30), [&](auto) { ++answered; });
    ASSERT_TRUE(gate.wait_for(2));
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(other.call("peer", "/echo", bytes_of(1000, 1), seconds(5)).ok());
    EXPECT_EQ(gate.here(), 2);
    gate.open();
    for (int i = 0; i < 2000 && answered < 10; ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_EQ(answered, 10);
}

TEST(ChannelLimits, requests_of_all_callers_are_bounded_together) {
    Gate gate;
    Peer peer(held_at(gate), {.message_bytes_max = kMiB,
                              .bytes_max = 5 * kMiB,
                              .caller_bytes_max = 3 * kMiB,
                              .handlers_max = 16,
                              .caller_handlers_max = 8});
    SeededRandom random(1);
    ChannelNetwork first(peer.introduce(caller_named(1)), random);
    ChannelNetwork second(peer.introduce(caller_named(2)), random);
    std::atomic<int> answered = 0;
    for (auto* network : {&first, &second})
        for (int i = 0; i < 8; ++i)
            network->start("peer", "/hold", Message::of(bytes_of(1'000'000, 1)), seconds(30),
                           [&](auto answer) { answered += answer.ok(); });
    ASSERT_TRUE(gate.wait_for(5));
    EXPECT_FALSE(gate.wait_for(6, milliseconds(200)));
    gate.open();
    for (int i = 0; i < 2000 && answered < 16; ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_EQ(answered, 16);
}

// A server whose answers are 4 MiB, and how many it has made.
struct Generous {
    static constexpr std::size_t kAnswer = 4 * kMiB;
    explicit Generous(const ChannelLimits& limits)
        : peer(
              [this](std::string_view method, ByteSpan) -> Result<Bytes> {
                  if (method != "/big") return Bytes{};
                  ++made;
                  return Bytes(kAnswer, 5);
              },
              limits) {}
    std::atomic<int> made = 0;
    Peer peer;
};

TEST(ChannelLimits, who_does_not_read_answers_gets_few_made_and_the_rest_once_it_reads) {
    constexpr int kCalls = 40;
    Generous generous({.caller_answer_bytes_max = 8 * kMiB, .handlers_max = 2});
    TestSocket socket(generous.peer.server->port());
    ASSERT_TRUE(greet(socket, generous.peer.server->grant(caller_named(1))).ok());
    for (int i = 0; i < kCalls; ++i) socket.send(request_of(static_cast<std::uint64_t>(i), "/big"));
    SeededRandom random(1);
    ChannelNetwork other(generous.peer.introduce(caller_named(2)), random);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(other.call("peer", "/small", {}, seconds(5)).ok());
    std::this_thread::sleep_for(milliseconds(300));
    // 8 MiB, two handlers', and what the system holds for the sockets.
    EXPECT_LE(generous.made, 10);
    for (int i = 0; i < kCalls; ++i) {
        const auto frame = read_frame(socket);
        ASSERT_TRUE(frame.ok());
        ASSERT_EQ(frame->payload.size(), Generous::kAnswer);
    }
    EXPECT_EQ(generous.made, kCalls);
}

TEST(ChannelLimits, answers_to_all_callers_are_bounded_together) {
    Generous generous({.answer_bytes_max = 8 * kMiB, .caller_answer_bytes_max = 64 * kMiB});
    TestSocket socket(generous.peer.server->port());
    ASSERT_TRUE(greet(socket, generous.peer.server->grant(caller_named(1))).ok());
    for (int i = 0; i < 40; ++i) socket.send(request_of(static_cast<std::uint64_t>(i), "/big"));
    int made = -1;  // until the first caller's answers are as many as may be
    while (std::exchange(made, generous.made.load()) != generous.made || made < 3)
        std::this_thread::sleep_for(milliseconds(200));
    EXPECT_LE(made, 14);
    SeededRandom random(1);
    ChannelNetwork other(generous.peer.introduce(caller_named(2)), random);
    std::promise<Result<Bytes>> promise;
    auto answer = promise.get_future();
    other.start("peer", "/small", Message::of({}), seconds(20),
                [&](auto result) { promise.set_value(std::move(result)); });
    EXPECT_EQ(answer.wait_for(milliseconds(200)), std::future_status::timeout);
    socket.close();
    EXPECT_TRUE(answer.get().ok());
    EXPECT_LE(generous.made, made + 8) << "what nobody will hear is not computed";
}

TEST(ChannelLimits, connections_are_bounded_and_one_that_goes_makes_room) {
    Peer peer(echo, {.connections_max = 2});
    SeededRandom random(1);
    auto first = std::make_unique<ChannelNetwork>(peer.introduce(caller_named(1)), random);
    ChannelNetwork second(peer.introduce(caller_named(2)), random);
    ChannelNetwork third(peer.introduce(caller_named(3)), random, {.retry_after = Duration{0}});
    EXPECT_TRUE(first->call("peer", "/echo", {}, seconds(5)).ok());
    EXPECT_TRUE(second.call("peer", "/echo", {}, seconds(5)).ok());
    EXPECT_EQ(third.call("peer", "/echo", {}, seconds(5)).error().kind,
              ErrorKind::resource_exhausted);
    first.reset();
    bool entered = false;
    for (int i = 0; i < 500 && !entered; ++i) {
        entered = third.call("peer", "/echo", {}, seconds(5)).ok();
        if (!entered) std::this_thread::sleep_for(milliseconds(10));
    }
    EXPECT_TRUE(entered);
}

TEST(ChannelLimits, strangers_take_no_place_of_those_who_greet) {
    Peer peer(echo, {.connections_max = 2, .greeting_max = 4, .origin_greeting_max = 4});
    SeededRandom random(1);
    ChannelNetwork early(peer.introduce(caller_named(1)), random);
    ASSERT_TRUE(early.call("peer", "/echo", {}, seconds(5)).ok());
    std::vector<std::unique_ptr<TestSocket>> strangers;
    for (int i = 0; i < 30; ++i) {
        strangers.push_back(std::make_unique<TestSocket>(peer.server->port()));
        ASSERT_EQ(strangers.back()->read_exactly(kOfferSize).size(), kOfferSize);
    }
    ChannelNetwork late(peer.introduce(caller_named(2)), random);
    EXPECT_TRUE(early.call("peer", "/echo", {}, seconds(5)).ok());
    EXPECT_TRUE(late.call("peer", "/echo", {}, seconds(5)).ok());
    for (int i = 0; i < 26; ++i)
        EXPECT_TRUE(strangers[static_cast<std::size_t>(i)]->read_all().empty());
}

TEST(ChannelLimits, strangers_of_one_host_displace_their_own_only) {
    Peer peer(echo, {.greeting_max = 8, .origin_greeting_max = 4});
    TestSocket honest(peer.server->port());
    std::vector<std::unique_ptr<TestSocket>> strangers;
    for (int i = 0; i < 30; ++i) {
        strangers.push_back(std::make_unique<TestSocket>(peer.server->port(), 2));
        ASSERT_EQ(strangers.back()->read_exactly(kOfferSize).size(), kOfferSize);
    }
    EXPECT_TRUE(greet(honest, peer.server->grant(caller_named(1))).ok());
}

TEST(ChannelLimits, who_greets_byte_by_byte_is_cut_off) {
    Peer peer(echo, {.greeting_timeout = milliseconds(300)});
    TestSocket socket(peer.server->port());
    ASSERT_EQ(socket.read_exactly(kOfferSize).size(), kOfferSize);
    const auto begin = std::chrono::steady_clock::now();
    while (!socket.readable_within(milliseconds(20)) && socket.send("x")) {
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(20 * kGreetingSize));
}

TEST(ChannelLimits, a_connection_that_nobody_uses_is_closed) {
    Peer peer(echo, {.idle_timeout = milliseconds(100)});
    TestSocket socket(peer.server->port());
    ASSERT_TRUE(greet(socket, peer.server->grant({})).ok());
    EXPECT_TRUE(socket.read_all().empty());
}

TEST(ChannelLimits, the_oldest_ticket_makes_room) {
    Peer peer(echo, {.tickets_max = 2});
    std::vector<ChannelTicket> tickets;
    for (std::uint8_t i = 0; i < 3; ++i) tickets.push_back(peer.server->grant(caller_named(i)));
    for (std::size_t i = 0; i < 3; ++i) {
        TestSocket socket(peer.server->port());
        EXPECT_EQ(greet(socket, tickets[i]).ok(), i != 0);
    }
}

}  // namespace
}  // namespace mutirao::net
