// Who is slow and who is dead on a data channel.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "net/test_channel.hpp"

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A server that greets as it should, then does what the test says, for one connection.
class ScriptedServer {
  public:
    using Script = std::function<void(tcp::socket&, const TestFrame& first)>;
    ScriptedServer(bool keeps_alive, Script script)
        : acceptor_(io_, {asio::ip::make_address("127.0.0.1"), 0}),
          thread_([this, keeps_alive, script = std::move(script)] {
              tcp::socket socket(io_);
              boost::system::error_code problem;
              acceptor_.accept(socket, problem);
              if (problem) return;
              script(socket, greeted(socket, keeps_alive));
          }) {}
    ~ScriptedServer() { thread_.join(); }

    ChannelNetwork::Introduce introduce() {
        return [this](const std::string&) -> Result<ChannelDoor> {
            return ChannelDoor{"127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()),
                               ticket_};
        };
    }

  private:
    TestFrame greeted(tcp::socket& socket, bool keeps_alive) {
        const ChannelNonce nonce{};
        asio::write(socket, asio::buffer(encode_offer(nonce)));
        std::array<std::uint8_t, kGreetingSize> bytes{};
        asio::read(socket, asio::buffer(bytes));
        const auto mac =
            greeting_mac(ticket_, ChannelEnd::server, ChannelGreeting::decode(bytes).nonce, nonce);
        asio::write(socket, asio::buffer(encode_verdict(ChannelWelcome{mac, keeps_alive})));
        return frame(socket);
    }
    static TestFrame frame(tcp::socket& socket) {
        std::array<std::uint8_t, FrameHeader::kSize> head{};
        asio::read(socket, asio::buffer(head));
        TestFrame out{FrameHeader::decode(head).value(), {}};
        out.payload.resize(std::size_t{out.header.method_size} + out.header.payload_size);
        asio::read(socket, asio::buffer(out.payload));
        return out;
    }

    const ChannelTicket ticket_{};
    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::thread thread_;
};

Result<Bytes> hold(Gate& gate, ByteSpan request) {
    gate.pass();
    return to_bytes(request.first(std::min<std::size_t>(request.size(), 1)));
}

// What a call gets whose handler works for 2 s, when its caller gives up after 0.8 s of silence.
Result<Bytes> call_of_two_seconds(Duration keep_alive_every) {
    Gate gate;
    ChannelLimits limits;
    limits.keep_alive_every = keep_alive_every;
    Peer peer([&](std::string_view, ByteSpan request) { return hold(gate, request); }, limits);
    SeededRandom random(1);
    ChannelNetwork network(peer.introduce(), random, {.progress_timeout = milliseconds(800)});
    std::thread opener([&] {
        std::this_thread::sleep_for(seconds(2));
        gate.open();
    });
    auto answer = network.call("peer", "/slow", Bytes(1), seconds(20));
    opener.join();
    return answer;
}

TEST(ChannelPace, a_slow_handler_of_a_live_server_is_waited_for) {
    const auto answer = call_of_two_seconds(milliseconds(50));
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(call_of_two_seconds(seconds(3600)).error().kind, ErrorKind::unavailable)
        << "a server that says nothing is given up";
}

TEST(ChannelPace, a_caller_that_waits_for_room_does_not_take_the_server_for_dead) {
    Gate gate;
    ChannelLimits limits{.message_bytes_max = 1 << 20, .caller_bytes_max = 2 << 20};
    limits.keep_alive_every = milliseconds(50);
    Peer peer([&](std::string_view, ByteSpan request) { return hold(gate, request); }, limits);
    SeededRandom random(1);
    ChannelNetwork first(peer.introduce(), random);
    ChannelNetwork second(peer.introduce(), random, {.progress_timeout = milliseconds(800)});
    std::atomic<int> answered = 0;
    for (int i = 0; i < 2; ++i)
        first.start("peer", "/hold", Message::of(Bytes(1'000'000)), seconds(20),
                    [&](auto answer) { answered += answer.ok(); });
    ASSERT_TRUE(gate.wait_for(2));
    std::thread opener([&] {
        std::this_thread::sleep_for(seconds(2));
        gate.open();
    });
    const auto answer = second.call("peer", "/hold", Bytes(1'000'000), seconds(20));
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    opener.join();
    for (int i = 0; i < 2000 && answered < 2; ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_EQ(answered, 2);
}

TEST(ChannelPace, keep_alives_go_to_those_only_who_sent_one) {
    Gate gate;
    ChannelLimits limits;
    limits.keep_alive_every = milliseconds(50);
    Peer peer([&](std::string_view, ByteSpan request) { return hold(gate, request); }, limits);
    TestSocket socket(peer.server->port());
    const auto welcome = greet(socket, peer.server->grant({}));
    ASSERT_TRUE(welcome.ok());
    EXPECT_TRUE(welcome->keeps_alive);
    socket.send(request_of(7, "/hold"));
    ASSERT_TRUE(gate.wait_for(1));
    EXPECT_FALSE(socket.readable_within(milliseconds(700)));
    socket.send(frame_of({FrameKind::keep_alive, 0, 0, 0}, {}));
    for (int i = 0; i < 2; ++i) {
        const auto frame = read_frame(socket);
        ASSERT_TRUE(frame.ok());
        EXPECT_EQ(frame->header.kind, FrameKind::keep_alive);
    }
    gate.open();
    auto last = read_frame(socket);
    while (last.ok() && last->header.kind == FrameKind::keep_alive) last = read_frame(socket);
    ASSERT_TRUE(last.ok());
    EXPECT_EQ(last->header.call, 7u);
}

TEST(ChannelPace, a_caller_asks_for_keep_alives_of_those_only_who_know_them) {
    for (const bool knows : {false, true}) {
        std::promise<FrameKind> first;
        ScriptedServer server(knows, [&](tcp::socket&, const TestFrame& frame) {
            first.set_value(frame.header.kind);
        });
        SeededRandom random(1);
        ChannelNetwork network(server.introduce(), random);
        EXPECT_EQ(network.call("peer", "/x", {}, seconds(5)).error().kind, ErrorKind::unavailable);
        EXPECT_EQ(first.get_future().get(), knows ? FrameKind::keep_alive : FrameKind::request);
    }
}

TEST(ChannelPace, a_server_that_drips_its_answer_is_given_up) {
    std::promise<std::size_t> dripped;
    ScriptedServer server(false, [&](tcp::socket& socket, const TestFrame& request) {
        std::array<std::uint8_t, FrameHeader::kSize> head{};
        FrameHeader{FrameKind::answer, 0, 1 << 20, request.header.call}.encode(head);
        boost::system::error_code problem;
        asio::write(socket, asio::buffer(head), problem);
        std::size_t bytes = 0;
        for (; bytes < 1000 && !problem; ++bytes) {
            asio::write(socket, asio::buffer("x", 1), problem);
            std::this_thread::sleep_for(milliseconds(10));
        }
        dripped.set_value(bytes);
    });
    SeededRandom random(1);
    ChannelNetwork network(server.introduce(), random, {.progress_timeout = milliseconds(300)});
    EXPECT_EQ(network.call("peer", "/x", {}, seconds(20)).error().kind, ErrorKind::unavailable);
    EXPECT_LT(dripped.get_future().get(), 1000u);
}

TEST(ChannelPace, a_caller_that_drips_its_request_is_cut_off) {
    ChannelLimits limits;
    limits.progress_timeout = milliseconds(300);
    Peer peer(echo, limits);
    TestSocket socket(peer.server->port());
    ASSERT_TRUE(greet(socket, peer.server->grant({})).ok());
    socket.send(request_of(1, "/echo", std::string(100'000, 'x')).substr(0, 50'000));
    int bytes = 0;
    for (; bytes < 1000 && !socket.readable_within(milliseconds(10)); ++bytes) socket.send("x");
    EXPECT_LT(bytes, 1000);
    EXPECT_FALSE(read_frame(socket).ok());
}

TEST(ChannelPace, a_caller_that_reads_its_answers_drop_by_drop_is_cut_off) {
    ChannelLimits limits;
    limits.progress_timeout = milliseconds(500);
    Peer peer([](std::string_view, ByteSpan) -> Result<Bytes> { return Bytes(32 << 20); }, limits);
    TestSocket socket(peer.server->port());
    ASSERT_TRUE(greet(socket, peer.server->grant({})).ok());
    socket.send(request_of(1, "/big"));
    std::size_t got = 0;
    for (int i = 0; i < 200; ++i) {
        got += socket.read_exactly(16).size();
        std::this_thread::sleep_for(milliseconds(10));
    }
    const auto rest = socket.read_all();
    EXPECT_LT(got + rest.size(), std::size_t{32} << 20) << "the end of the answer never comes";
}

TEST(ChannelPace, a_large_message_over_a_channel_that_moves_is_waited_for) {
    ChannelLimits limits;
    limits.progress_timeout = milliseconds(400);
    limits.progress_bytes_min = 1000;
    Peer peer(echo, limits);
    TestSocket socket(peer.server->port());
    ASSERT_TRUE(greet(socket, peer.server->grant({})).ok());
    const auto frame = request_of(1, "/echo", std::string(20'000, 'x'));
    for (std::size_t at = 0; at < frame.size(); at += 200) {
        ASSERT_TRUE(socket.send(std::string_view(frame).substr(at, 200)));
        std::this_thread::sleep_for(milliseconds(15));
    }
    const auto answer = read_frame(socket);
    ASSERT_TRUE(answer.ok()) << "1.5 s of 13 kB a second";
    EXPECT_EQ(answer->payload.size(), 20'000u);
}

}  // namespace
}  // namespace mutirao::net
