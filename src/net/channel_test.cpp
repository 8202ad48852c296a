// Data channels over real sockets: what callers get when peers are slow, gone, strange or greedy.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "net/test_channel.hpp"

namespace mutirao::net {
namespace {

TEST(Channel, requests_of_every_size_come_back_in_one_piece) {
    Peer peer(echo);
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(), random);
    for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 4096u, 65536u, 1000003u, 9u << 20}) {
        const auto bytes = bytes_of(size, 3);
        const auto answer = network.call("peer", "/echo", bytes, seconds(10));
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        EXPECT_EQ(*answer, bytes);
    }
    EXPECT_EQ(peer.introductions, 1);
}

TEST(Channel, requests_in_pieces_are_joined_and_their_owner_goes_when_they_are_done) {
    Peer peer(echo);
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(), random);
    auto owner = std::make_shared<const Bytes>(bytes_of(3 << 20, 9));
    Message message{{}, owner};
    for (std::size_t at = 0; at < owner->size(); at += 4096)
        message.pieces.push_back(ByteSpan(*owner).subspan(at, 4096));
    std::promise<Result<Bytes>> promise;
    network.start("peer", "/echo", std::move(message), seconds(10),
                  [&](auto answer) { promise.set_value(std::move(answer)); });
    EXPECT_EQ(promise.get_future().get().value(), *owner);
    for (int i = 0; i < 1000 && owner.use_count() > 1; ++i)
        std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(owner.use_count(), 1);
}

TEST(Channel, errors_arrive_as_they_were) {
    Peer peer(echo, {}, [](const Caller& caller, std::string_view method) -> Status {
        if (method == "/secret") return Error{ErrorKind::permission_denied, caller.origin};
        return {};
    });
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(), random);
    EXPECT_EQ(network.call("peer", "/fail", {}, seconds(5)).error(),
              (Error{ErrorKind::not_found, "no such thing: água"}));
    EXPECT_EQ(network.call("peer", "/throw", {}, seconds(5)).error().kind, ErrorKind::io);
    EXPECT_EQ(network.call("peer", "/secret", {}, seconds(5)).error(),
              (Error{ErrorKind::permission_denied, "127.0.0.1"}));
    EXPECT_TRUE(network.call("peer", "/echo", {}, seconds(5)).ok());
}

TEST(Channel, many_calls_are_under_way_at_once_and_answers_overtake_one_another) {
    Gate gate;
    Peer peer([&](std::string_view method, ByteSpan request) -> Result<Bytes> {
        if (method == "/slow") gate.pass();
        return to_bytes(request);
    });
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(), random);
    std::promise<void> slow;
    network.start("peer", "/slow", Message::of({1}), seconds(20), [&](auto) { slow.set_value(); });
    ASSERT_TRUE(gate.wait_for(1));
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i) {
                const auto bytes =
                    bytes_of(static_cast<std::size_t>(i * 997), static_cast<std::uint8_t>(t));
                const auto answer = network.call("peer", "/echo", bytes, seconds(10));
                right += answer.ok() && *answer == bytes;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(right, 400);
    gate.open();
    slow.get_future().wait();
}

TEST(Channel, a_ticket_that_expired_on_its_way_is_replaced_once) {
    Peer peer(echo);
    SeededRandom random(1);
    bool stale = true;
    ChannelNetwork network(
        [&](const std::string& name) -> Result<ChannelDoor> {
            auto door = peer.introduce()(name);
            if (std::exchange(stale, false)) door->ticket.id.bytes[0] ^= 1;
            return door;
        },
        random);
    EXPECT_TRUE(network.call("peer", "/echo", {}, seconds(5)).ok());
    EXPECT_EQ(peer.introductions, 2);
}

TEST(Channel, without_the_ticket_nobody_gets_in) {
    Peer peer(echo);
    SeededRandom random(1);
    for (const bool wrong_id : {true, false}) {
        ChannelNetwork network(
            [&](const std::string& name) -> Result<ChannelDoor> {
                auto door = peer.introduce()(name);
                (wrong_id ? door->ticket.id.bytes[3] : door->ticket.secret.bytes[3]) ^= 1;
                return door;
            },
            random);
        EXPECT_EQ(network.call("peer", "/echo", {}, seconds(5)).error().kind,
                  ErrorKind::permission_denied);
    }
    const ChannelLimits short_lived{.ticket_life = Duration{0}};
    Peer strict(echo, short_lived);
    ChannelNetwork network(strict.introduce(), random);
    EXPECT_EQ(network.call("peer", "/echo", {}, seconds(5)).error().kind,
              ErrorKind::permission_denied);
}

TEST(Channel, what_cannot_know_the_secret_is_not_taken_for_the_peer) {
    Peer peer(echo), impostor(echo);
    SeededRandom random(1);
    ChannelNetwork network(
        [&](const std::string&) -> Result<ChannelDoor> {
            auto ticket = peer.server->grant({});
            // The impostor knows the ticket's name only.
            auto door = ChannelDoor{impostor.address(), impostor.server->grant({})};
            door.ticket.secret = ticket.secret;
            return door;
        },
        random);
    EXPECT_EQ(network.call("peer", "/echo", {}, seconds(5)).error().kind,
              ErrorKind::permission_denied);
}

TEST(Channel, a_peer_that_is_gone_answers_at_once_and_one_that_is_back_is_found) {
    SeededRandom random(1);
    auto peer = std::make_unique<Peer>(echo);
    std::mutex mutex;
    std::string where = peer->address();
    ChannelNetwork network(
        [&](const std::string&) -> Result<ChannelDoor> {
            const std::lock_guard lock(mutex);
            if (!peer) return Error{ErrorKind::unavailable, "nobody is there"};
            return ChannelDoor{where, peer->server->grant({})};
        },
        random, {.retry_after = milliseconds(20)});
    ASSERT_TRUE(network.call("peer", "/echo", {}, seconds(5)).ok());
    {
        const std::lock_guard lock(mutex);
        peer.reset();
    }
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(network.call("peer", "/echo", {}, seconds(5)).error().kind,
                  ErrorKind::unavailable);
    {
        const std::lock_guard lock(mutex);
        peer = std::make_unique<Peer>(echo);
        where = peer->address();
    }
    bool back = false;
    for (int i = 0; i < 200 && !back; ++i) {
        back = network.call("peer", "/echo", {}, seconds(5)).ok();
        if (!back) std::this_thread::sleep_for(milliseconds(10));
    }
    EXPECT_TRUE(back);
}

TEST(Channel, a_silent_peer_costs_the_deadline_and_holds_up_no_other) {
    Gate gate;
    Peer silent([&](std::string_view, ByteSpan) -> Result<Bytes> {
        gate.pass();
        return Bytes{};
    });
    Peer lively(echo);
    SeededRandom random(1);
    ChannelNetwork network(
        [&](const std::string& name) {
            return (name == "silent" ? silent : lively).introduce()(name);
        },
        random);
    std::promise<Result<Bytes>> promise;
    network.start("silent", "/x", Message::of(bytes_of(1000, 1)), milliseconds(300),
                  [&](auto answer) { promise.set_value(std::move(answer)); });
    EXPECT_TRUE(network.call("lively", "/echo", {}, seconds(5)).ok());
    EXPECT_EQ(promise.get_future().get().error().kind, ErrorKind::timeout);
    gate.open();
}

TEST(Channel, a_host_that_accepts_and_says_nothing_is_given_up) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor mute(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
    SeededRandom random(1);
    ChannelNetwork network(
        [&](const std::string&) -> Result<ChannelDoor> {
            return ChannelDoor{"127.0.0.1:" + std::to_string(mute.local_endpoint().port()), {}};
        },
        random, {.connect_timeout = milliseconds(100)});
    EXPECT_EQ(network.call("peer", "/echo", {}, seconds(20)).error().kind, ErrorKind::unavailable);
}

TEST(Channel, a_host_is_found_by_its_name) {
    Peer peer(echo);
    SeededRandom random(1);
    ChannelNetwork network(
        [&](const std::string& name) -> Result<ChannelDoor> {
            return ChannelDoor{name + ":" + std::to_string(peer.server->port()),
                               peer.server->grant({})};
        },
        random);
    // Where the name has an IPv6 address as well, at which nobody listens, the next one is tried.
    EXPECT_TRUE(network.call("localhost", "/echo", {}, seconds(5)).ok());
    // RFC 6761: no resolver knows it.
    EXPECT_EQ(network.call("nobody.invalid", "/echo", {}, seconds(20)).error().kind,
              ErrorKind::unavailable);
    EXPECT_EQ(network.call("no name", "/echo", {}, seconds(5)).error().kind,
              ErrorKind::invalid_argument);
}

TEST(Channel, garbage_ends_its_own_connection_only) {
    Peer peer(echo, {.greeting_timeout = milliseconds(200)});
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(), random);
    ASSERT_TRUE(network.call("peer", "/echo", {}, seconds(5)).ok());
    for (const std::string& garbage :
         {std::string(200, 'x'), std::string("GET / HTTP/1.1\r\n\r\n")}) {
        TestSocket socket(peer.server->port());
        socket.send(garbage);
        EXPECT_FALSE(socket.read_all().empty());  // the offer, perhaps a verdict; then the end
    }
    EXPECT_TRUE(network.call("peer", "/echo", {}, seconds(5)).ok());
}

TEST(Channel, a_request_that_is_too_large_ends_the_connection_and_the_next_call_works) {
    Peer peer(echo, {.message_bytes_max = 1 << 20});
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(), random);
    EXPECT_EQ(network.call("peer", "/echo", bytes_of(2 << 20, 1), seconds(5)).error().kind,
              ErrorKind::unavailable);
    EXPECT_TRUE(network.call("peer", "/echo", bytes_of(1 << 20, 1), seconds(5)).ok());
}

// Back-pressure: what a server has not answered is bounded, and the rest waits at the sender's.
TEST(Channel, a_greedy_caller_waits_and_takes_nothing_from_others) {
    Gate gate;
    const ChannelLimits limits{.message_bytes_max = 1 << 20,
                               .bytes_max = 8 << 20,
                               .caller_bytes_max = 4 << 20,
                               .handlers_max = 32};
    Peer peer(
        [&](std::string_view method, ByteSpan request) -> Result<Bytes> {
            if (method == "/hold") gate.pass();
            return to_bytes(request.first(1));
        },
        limits);
    SeededRandom random(1);
    Address first, second;
    second.bytes[0] = 1;
    ChannelNetwork greedy(peer.introduce({first, ""}), random);
    ChannelNetwork modest(peer.introduce({second, ""}), random);
    std::atomic<int> answered = 0;
    for (int i = 0; i < 20; ++i)
        greedy.start("peer", "/hold", Message::of(bytes_of(1'000'000, 1)), seconds(30),
                     [&](auto answer) { answered += answer.ok(); });
    ASSERT_TRUE(gate.wait_for(4));
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(modest.call("peer", "/echo", bytes_of(1'000'000, 2), seconds(5)).ok());
    EXPECT_EQ(gate.here(), 4) << "no more than 4 MiB of one caller are taken in";
    gate.open();
    for (int i = 0; i < 2000 && answered < 20; ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_EQ(answered, 20);
}

TEST(Channel, a_caller_has_a_bounded_number_of_connections) {
    Peer peer(echo, {.caller_connections_max = 2});
    SeededRandom random(1);
    std::vector<std::unique_ptr<ChannelNetwork>> networks;
    int refused = 0;
    for (int i = 0; i < 4; ++i) {
        networks.push_back(std::make_unique<ChannelNetwork>(peer.introduce(), random));
        const auto answer = networks.back()->call("peer", "/echo", {}, seconds(5));
        refused += !answer.ok() && answer.error().kind == ErrorKind::resource_exhausted;
    }
    EXPECT_EQ(refused, 2);
    Address other;
    other.bytes[5] = 1;
    ChannelNetwork stranger(peer.introduce({other, ""}), random);
    EXPECT_TRUE(stranger.call("peer", "/echo", {}, seconds(5)).ok());
}

TEST(Channel, a_frame_that_stops_in_the_middle_is_cut_off) {
    Peer peer(echo, {.progress_timeout = milliseconds(100)});
    TestSocket socket(peer.server->port());
    ASSERT_TRUE(greet(socket, peer.server->grant({})).ok());
    std::array<std::uint8_t, FrameHeader::kSize> head{};
    FrameHeader{FrameKind::request, 5, 1000, 1}.encode(head);
    socket.send(std::string(as_text(head)) + "/echoabc");
    EXPECT_TRUE(socket.read_all().empty()) << "closed without an answer";
}

TEST(Channel, calls_under_way_fail_when_either_end_goes) {
    Gate gate;
    auto peer = std::make_unique<Peer>(
        [&](std::string_view, ByteSpan) -> Result<Bytes> {
            gate.pass();
            return Bytes{};
        },
        ChannelLimits{.stop_grace = milliseconds(50)});
    SeededRandom random(1);
    auto network = std::make_unique<ChannelNetwork>(peer->introduce(), random);
    std::promise<Result<Bytes>> promise;
    network->start("peer", "/x", Message::of({}), seconds(20),
                   [&](auto answer) { promise.set_value(std::move(answer)); });
    ASSERT_TRUE(gate.wait_for(1));
    network.reset();
    EXPECT_EQ(promise.get_future().get().error().kind, ErrorKind::unavailable);
    ChannelNetwork other(peer->introduce(), random);
    std::promise<Result<Bytes>> second;
    other.start("peer", "/x", Message::of({}), seconds(20),
                [&](auto answer) { second.set_value(std::move(answer)); });
    ASSERT_TRUE(gate.wait_for(2));
    std::thread opener([&] {
        std::this_thread::sleep_for(milliseconds(200));  // past the grace
        gate.open();
    });
    peer.reset();
    EXPECT_EQ(second.get_future().get().error().kind, ErrorKind::unavailable);
    opener.join();
}

// A listener whose queue is full drops what would connect: the system tries for minutes.
TEST(Channel, a_host_that_drops_connections_does_not_hold_up_the_end) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor full(io);
    full.open(boost::asio::ip::tcp::v4());
    full.bind({boost::asio::ip::make_address("127.0.0.1"), 0});
    full.listen(0);
    const auto port = full.local_endpoint().port();
    const TestSocket first(port);
    SeededRandom random(1);
    auto network = std::make_unique<ChannelNetwork>(
        [&](const std::string&) -> Result<ChannelDoor> {
            return ChannelDoor{"127.0.0.1:" + std::to_string(port), {}};
        },
        random, ChannelClientLimits{.connect_timeout = seconds(60)});
    EXPECT_EQ(network->call("peer", "/echo", {}, milliseconds(300)).error().kind,
              ErrorKind::timeout);
    const auto begin = std::chrono::steady_clock::now();
    network.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
}

TEST(Channel, a_header_that_stops_in_the_middle_is_cut_off) {
    Peer peer(echo, {.progress_timeout = milliseconds(100)});
    TestSocket socket(peer.server->port());
    ASSERT_TRUE(greet(socket, peer.server->grant({})).ok());
    socket.send("\x01");
    EXPECT_TRUE(socket.read_all().empty()) << "closed without an answer";
}

TEST(Channel, tickets_of_one_caller_make_room_for_its_own_only) {
    Peer peer(echo, {.caller_tickets_max = 2});
    Address other;
    other.bytes[5] = 1;
    const auto kept = peer.server->grant({other, ""});
    const auto lost = peer.server->grant({Address{}, ""});
    ChannelTicket last;
    for (int i = 0; i < 2; ++i) last = peer.server->grant({Address{}, ""});
    SeededRandom random(1);
    for (const auto& [ticket, good] : {std::pair{kept, true}, {lost, false}, {last, true}}) {
        ChannelNetwork network(
            [&, ticket = ticket](const std::string&) -> Result<ChannelDoor> {
                return ChannelDoor{peer.address(), ticket};
            },
            random);
        EXPECT_EQ(network.call("peer", "/echo", {}, seconds(5)).ok(), good);
    }
}

TEST(Channel, what_waits_for_a_thread_is_not_run_after_the_grace) {
    Gate gate;
    auto peer = std::make_unique<Peer>(
        [&](std::string_view, ByteSpan) -> Result<Bytes> {
            gate.pass();
            return Bytes{};
        },
        ChannelLimits{.handlers_max = 1, .stop_grace = milliseconds(50)});
    SeededRandom random(1);
    std::atomic<int> failed = 0;
    ChannelNetwork network(peer->introduce(), random);
    for (int i = 0; i < 10; ++i)
        network.start("peer", "/x", Message::of({}), seconds(20),
                      [&](auto answer) { failed += !answer.ok(); });
    ASSERT_TRUE(gate.wait_for(1));
    std::thread opener([&] {
        for (int i = 0; i < 2000 && failed < 10; ++i) std::this_thread::sleep_for(milliseconds(5));
        gate.open();
    });
    peer->server->stop();
    opener.join();
    EXPECT_EQ(failed, 10);
    EXPECT_EQ(gate.here(), 1);
}

}  // namespace
}  // namespace mutirao::net
