// GrpcNetwork against GrpcServer over loopback TCP.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

#include "base/random.hpp"
#include "net/address.hpp"
#include "net/grpc_network.hpp"
#include "net/grpc_server.hpp"
#include "net/listen.hpp"
#include "net/test_gate.hpp"
#include "net/test_socket.hpp"

namespace mutirao::net {
namespace {

constexpr Duration kLong = std::chrono::seconds(30);
constexpr char kEcho[] = "/test.v1.Echo/Echo";
constexpr ErrorKind kKinds[] = {ErrorKind::invalid_argument,
                                ErrorKind::not_found,
                                ErrorKind::already_exists,
                                ErrorKind::permission_denied,
                                ErrorKind::insufficient_funds,
                                ErrorKind::resource_exhausted,
                                ErrorKind::unavailable,
                                ErrorKind::timeout,
                                ErrorKind::corrupt,
                                ErrorKind::unimplemented,
                                ErrorKind::io};

Result<Bytes> echo(std::string_view method, ByteSpan request) {
    if (method == kEcho) return to_bytes(request);
    if (method == "/test.v1.Echo/Throw") throw std::runtime_error("a bug");
    if (method == "/test.v1.Echo/Fail")
        return Error{kKinds[request[0]], "fragment 17 of bloco é \"x\"\n at 100%"};
    if (method == "/test.v1.Echo/Large") return Bytes(kMessageBytesMax + 1, 1);
    if (method == "/test.v1.Echo/Essay")
        return Error{ErrorKind::corrupt, std::string(1999, '%') + "é" + std::string(9000, 'x')};
    return Error{ErrorKind::unimplemented, std::string(method) + " is not built yet"};
}

std::unique_ptr<GrpcServer> start(Serve serve = echo, GrpcLimits limits = {}) {
    return GrpcServer::start("127.0.0.1:0", std::move(serve), limits).value();
}

Bytes random_bytes(std::size_t size) {
    Bytes bytes(size);
    SeededRandom(size).fill(bytes);
    return bytes;
}

TEST(Grpc, requests_of_every_size_come_back_exact) {
    const auto server = start();
    GrpcNetwork network;
    for (const std::size_t size : {0, 1, 5, 16384, 393216, 32 << 20}) {
        const Bytes sent = random_bytes(size);
        const auto back = network.call(server->address(), kEcho, sent, kLong);
        ASSERT_TRUE(back.ok()) << back.error().message;
        EXPECT_TRUE(*back == sent) << size;
    }
}

TEST(Grpc, a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not) {
    const auto server = start();
    GrpcNetwork network;
    Bytes large(kMessageBytesMax, 7);
    const auto back = network.call(server->address(), kEcho, large, kLong);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->size(), kMessageBytesMax);
    large.push_back(7);
    EXPECT_EQ(network.call(server->address(), kEcho, large, kLong).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_EQ(network.call(server->address(), "/test.v1.Echo/Large", {}, kLong).error().kind,
              ErrorKind::resource_exhausted);
    EXPECT_TRUE(network.call(server->address(), kEcho, {}, kLong).ok());
}

TEST(Grpc, every_error_kind_arrives_with_its_sentence) {
    const auto server = start();
    GrpcNetwork network;
    for (std::uint8_t i = 0; i < std::size(kKinds); ++i) {
        const auto failed = network.call(server->address(), "/test.v1.Echo/Fail", Bytes{i}, kLong);
        ASSERT_FALSE(failed.ok());
        EXPECT_EQ(failed.error().kind, kKinds[i]);
        EXPECT_EQ(failed.error().message, "fragment 17 of bloco é \"x\"\n at 100%");
    }
    const auto unknown = network.call(server->address(), "/test.v1.Echo/Other", {}, kLong);
    EXPECT_EQ(unknown.error().kind, ErrorKind::unimplemented);
    EXPECT_EQ(unknown.error().message, "/test.v1.Echo/Other is not built yet");
}

TEST(Grpc, a_long_sentence_is_shortened_between_characters) {
    const auto server = start();
    GrpcNetwork network;
    const auto failed = network.call(server->address(), "/test.v1.Echo/Essay", {}, kLong);
    EXPECT_EQ(failed.error().kind, ErrorKind::corrupt);
    EXPECT_EQ(failed.error().message, std::string(1999, '%') + "...");
}

TEST(Grpc, a_handler_that_throws_answers_io_and_the_server_lives) {
    const auto server = start();
    GrpcNetwork network;
    const auto failed = network.call(server->address(), "/test.v1.Echo/Throw", {}, kLong);
    EXPECT_EQ(failed.error().kind, ErrorKind::io);
    EXPECT_NE(failed.error().message.find("a bug"), std::string::npos);
    EXPECT_TRUE(network.call(server->address(), kEcho, {}, kLong).ok());
}

TEST(Grpc, calls_that_are_started_wait_for_nobody) {
    Gate gate;
    const auto server = start([&](std::string_view, ByteSpan request) -> Result<Bytes> {
        if (!request.empty()) gate.pass();
        return to_bytes(request);
    });
    std::atomic<int> answered = 0, failed = 0;
    Gate all, lost;
    {
        GrpcNetwork network;
        // More than one, all held up by the server, beside one that is not.
        for (std::uint8_t i = 1; i <= 3; ++i) {
            auto request = std::make_shared<const Bytes>(i, i);
            network.start(server->address(), kEcho, {{ByteSpan(*request)}, request}, kLong,
                          [&, i](const Result<Bytes>& answer) {
                              EXPECT_TRUE(answer.ok() && *answer == Bytes(i, i));
                              if (++answered == 3) all.open();
                          });
        }
        EXPECT_TRUE(network.call(server->address(), kEcho, {}, kLong).ok());
        EXPECT_EQ(answered, 0);
        gate.open();
        all.pass();
        const auto expect = [&](ErrorKind kind) {
            return [&failed, kind](const Result<Bytes>& answer) {
                EXPECT_EQ(answer.error().kind, kind);
                ++failed;
            };
        };
        network.start("nobody", kEcho, {}, kLong, expect(ErrorKind::invalid_argument));
        network.start(server->address(), kEcho, {}, Duration{0}, expect(ErrorKind::timeout));
        EXPECT_EQ(failed, 2);
    }
    // A network that goes away ends what it began.
    Gate held;
    const auto slow = start([&](std::string_view, ByteSpan) -> Result<Bytes> {
        held.pass();
        return Bytes{};
    });
    auto network = std::make_unique<GrpcNetwork>();
    network->start(slow->address(), kEcho, {}, kLong, [&](const Result<Bytes>& answer) {
        EXPECT_FALSE(answer.ok());
        lost.open();
    });
    network.reset();
    lost.pass();
    held.open();
}

TEST(Grpc, a_deadline_ends_the_call) {
    Gate done;
    const auto server = start([&](std::string_view, ByteSpan) -> Result<Bytes> {
        done.pass();
        return Bytes{};
    });
    GrpcNetwork network;
    const auto late = network.call(server->address(), kEcho, {}, std::chrono::milliseconds(20));
    done.open();
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().kind, ErrorKind::timeout);
    EXPECT_NE(late.error().message.find(server->address()), std::string::npos);
    EXPECT_EQ(network.call(server->address(), kEcho, {}, Duration::zero()).error().kind,
              ErrorKind::timeout);
    EXPECT_TRUE(network.call(server->address(), kEcho, {}, Duration::max()).ok());
}

TEST(Grpc, a_dead_peer_is_unavailable_at_once_and_named) {
    auto server = start();
    const std::string address = server->address();
    server.reset();
    GrpcNetwork network;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i) {
        const auto failed = network.call(address, kEcho, {}, kLong);
        ASSERT_FALSE(failed.ok());
        EXPECT_EQ(failed.error().kind, ErrorKind::unavailable);
        EXPECT_NE(failed.error().message.find(address), std::string::npos);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

// A machine at many times its load takes the connection and says nothing for seconds.
TEST(Grpc, a_peer_that_is_slow_to_greet_is_waited_for) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor silent(context);
    const auto port = listen_at(silent, parse_listen_address("127.0.0.1:0").value()).value();
    GrpcNetwork network;
    const auto late = network.call("127.0.0.1:" + std::to_string(port), kEcho, {},
                                   std::chrono::milliseconds(1500));
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().kind, ErrorKind::timeout) << late.error().message;
}

TEST(Grpc, what_is_no_address_or_method_is_refused) {
    GrpcNetwork network;
    for (const auto* peer : {"", "127.0.0.1", ":80", "127.0.0.1:", "unix:/tmp/x:1", "a b:1"})
        EXPECT_EQ(network.call(peer, kEcho, {}, kLong).error().kind, ErrorKind::invalid_argument)
            << peer;
    const auto server = start();
    EXPECT_EQ(network.call(server->address(), "Echo", {}, kLong).error().kind,
              ErrorKind::invalid_argument);
}

TEST(Grpc, the_same_client_reaches_a_peer_that_restarted) {
    auto server = start();
    const std::string address = server->address();
    GrpcNetwork network;
    ASSERT_TRUE(network.call(address, kEcho, {}, kLong).ok());
    for (int restart = 0; restart < 2; ++restart) {
        server.reset();
        EXPECT_EQ(network.call(address, kEcho, {}, kLong).error().kind, ErrorKind::unavailable);
        server = GrpcServer::start(address, echo).value();
        const auto begin = std::chrono::steady_clock::now();
        bool back = false;
        while (!back && std::chrono::steady_clock::now() - begin < std::chrono::seconds(10)) {
            back = network.call(address, kEcho, {}, kLong).ok();
            if (!back) std::this_thread::yield();
        }
        EXPECT_TRUE(back);
    }
}

TEST(Grpc, sixty_four_callers_at_once_each_get_their_own_answer) {
    const auto server = start();
    GrpcNetwork network;
    std::atomic<int> right = 0;
    std::vector<std::thread> callers;
    for (std::uint32_t c = 0; c < 64; ++c)
        callers.emplace_back([&, c] {
            for (std::size_t i = 0; i < 20; ++i) {
                const Bytes sent = random_bytes(c * 100 + i);
                const auto back = network.call(server->address(), kEcho, sent, kLong);
                if (back.ok() && *back == sent) ++right;
            }
        });
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(right, 64 * 20);
}

TEST(Grpc, more_peers_than_channels_still_work) {
    std::vector<std::unique_ptr<GrpcServer>> servers;
    for (int i = 0; i < 4; ++i) servers.push_back(start());
    GrpcNetwork network({}, 2);
    for (int i = 0; i < 12; ++i)
        EXPECT_TRUE(network.call(servers[i % 4]->address(), kEcho, {}, kLong).ok());
}

TEST(Grpc, calls_past_the_bound_are_refused_and_those_within_it_answered) {
    Gate door;
    std::atomic<int> handled = 0;
    const GrpcLimits limits{.calls_max = 4, .handlers_max = 2};
    const auto server = start(
        [&](std::string_view, ByteSpan) -> Result<Bytes> {
            ++handled;
            door.pass();
            return Bytes{};
        },
        limits);
    GrpcNetwork network;
    std::atomic<int> answered = 0, refused = 0;
    std::vector<std::thread> callers;
    for (int c = 0; c < 12; ++c)
        callers.emplace_back([&] {
            const auto result = network.call(server->address(), kEcho, {}, kLong);
            if (result.ok()) ++answered;
            if (!result.ok() && result.error().kind == ErrorKind::resource_exhausted) ++refused;
            if (refused == 8) door.open();
        });
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(answered, 4);
    EXPECT_EQ(refused, 8);
    EXPECT_EQ(handled, 4);
}

TEST(Grpc, stopping_lets_calls_in_flight_finish) {
    Gate entered, door;
    auto server = start([&](std::string_view, ByteSpan) -> Result<Bytes> {
        entered.open();
        door.pass();
        return Bytes{42};
    });
    const std::string address = server->address();
    GrpcNetwork network;
    Result<Bytes> answer = Bytes{};
    std::thread caller([&] { answer = network.call(address, kEcho, {}, kLong); });
    entered.pass();
    std::thread stopper([&] { server->stop(); });
    // Stopping has begun once new connections are refused.
    while (TestSocket(server->port()).connected()) std::this_thread::yield();
    door.open();
    stopper.join();
    caller.join();
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(*answer, Bytes{42});
    server->stop();
}

TEST(Grpc, stopping_cuts_off_what_outlasts_the_grace) {
    Gate entered, door;
    const GrpcLimits limits{.stop_grace = std::chrono::milliseconds(10)};
    auto server = start(
        [&](std::string_view, ByteSpan) -> Result<Bytes> {
            entered.open();
            door.pass();
            return Bytes{};
        },
        limits);
    const std::string address = server->address();
    GrpcNetwork network;
    std::thread caller([&] {
        const auto cut = network.call(address, kEcho, {}, kLong);
        EXPECT_EQ(cut.error().kind, ErrorKind::unavailable);
        door.open();
    });
    entered.pass();
    server.reset();
    caller.join();
}

TEST(Grpc, garbage_on_the_port_harms_nobody) {
    const auto server = start();
    GrpcNetwork network;
    SeededRandom random(7);
    const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (int i = 0; i < 30; ++i) {
        TestSocket socket(server->port());
        ASSERT_TRUE(socket.connected());
        Bytes noise(random.below(2000));
        random.fill(noise);
        if (i % 3 == 0) socket.send(preface);
        if (i % 3 == 1) socket.send("GET / HTTP/1.1\r\n\r\n");
        socket.send(as_text(noise));
    }
    EXPECT_TRUE(network.call(server->address(), kEcho, {}, kLong).ok());
}

// grpc.health.v1.HealthCheckResponse{status: SERVING} is field 1, varint 1.
TEST(Grpc, the_standard_health_service_answers) {
    const auto server = start();
    GrpcNetwork network;
    const auto health = network.call(server->address(), "/grpc.health.v1.Health/Check", {}, kLong);
    ASSERT_TRUE(health.ok()) << health.error().message;
    EXPECT_EQ(*health, (Bytes{0x08, 0x01}));
    // A foreign error, without our metadata, is mapped by its code and names the peer.
    const auto absent = network.call(server->address(), "/grpc.health.v1.Health/Check",
                                     Bytes{0x0a, 0x01, 'x'}, kLong);
    EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
    EXPECT_NE(absent.error().message.find(server->address()), std::string::npos);
}

TEST(Grpc, only_loopback_addresses_are_served) {
    for (const auto* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0"}) {
        const auto refused = GrpcServer::start(address, echo);
        ASSERT_FALSE(refused.ok()) << address;
        EXPECT_EQ(refused.error().kind, ErrorKind::unimplemented);
        EXPECT_NE(refused.error().message.find("mutual TLS"), std::string::npos);
    }
    EXPECT_EQ(GrpcServer::start("nonsense", echo).error().kind, ErrorKind::invalid_argument);
}

TEST(Grpc, a_taken_port_is_refused) {
    const auto server = start();
    const auto second = GrpcServer::start(server->address(), echo);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
    EXPECT_NE(second.error().message.find(server->address()), std::string::npos);
}

// Servers and callers that prove accounts.
class SystemTime final : public Clock {
  public:
    Duration monotonic() override { return std::chrono::steady_clock::now().time_since_epoch(); }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration) override {}
};

crypto::AccountKey account(std::uint64_t seed) {
    SeededRandom random(seed);
    return crypto::AccountKey::generate(random);
}

struct SecureServer {
    explicit SecureServer(GrpcLimits limits = {}, std::uint64_t seed = 1,
                          const char* listen = "127.0.0.1:0")
        : server(GrpcServer::start(
                     listen, crypto::make_peer_certificate(account(seed)),
                     [](const Caller& caller, std::string_view, ByteSpan) -> Result<Bytes> {
                         return to_bytes(as_bytes(caller.account->hex() + " " + caller.origin));
                     },
                     [](const Caller&, std::string_view method) -> Status {
                         if (method == "/x/Secret")
                             return Error{ErrorKind::permission_denied, "not for you"};
                         return {};
                     },
                     clock, limits)
                     .value()) {}
    SystemTime clock;
    std::unique_ptr<GrpcServer> server;
};

TEST(GrpcTls, both_ends_prove_their_accounts) {
    SecureServer secure;
    GrpcNetwork network(crypto::make_peer_certificate(account(2)));
    const auto peer = peer_name(account(1).address(), secure.server->address());
    const auto answer = network.call(peer, "/x/Who", {}, std::chrono::seconds(5));
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(as_text(*answer), account(2).address().hex() + " 127.0.0.1");
    EXPECT_EQ(network.call(peer, "/x/Secret", {}, std::chrono::seconds(5)).error(),
              (Error{ErrorKind::permission_denied, "not for you"}));
    EXPECT_TRUE(network.call(secure.server->address(), "/x/Who", {}, std::chrono::seconds(5)).ok())
        << "whoever it is will do";
}

TEST(GrpcTls, callers_are_known_by_a_plain_address_over_ipv6_too) {
    SecureServer secure({}, 1, "[::1]:0");
    GrpcNetwork network(crypto::make_peer_certificate(account(2)));
    const auto answer = network.call(secure.server->address(), "/x/Who", {}, kLong);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(as_text(*answer), account(2).address().hex() + " ::1");
}

TEST(GrpcTls, with_certificates_any_address_is_served) {
    SecureServer secure({}, 1, "0.0.0.0:0");
    GrpcNetwork network(crypto::make_peer_certificate(account(2)));
    const auto here = "127.0.0.1:" + std::to_string(secure.server->port());
    EXPECT_TRUE(network.call(here, "/x/Who", {}, kLong).ok());
}

TEST(GrpcTls, an_impostor_gets_no_call) {
    SecureServer impostor({}, 7);
    GrpcNetwork network(crypto::make_peer_certificate(account(2)));
    const auto answer = network.call(peer_name(account(1).address(), impostor.server->address()),
                                     "/x/Who", {}, std::chrono::seconds(5));
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind, ErrorKind::permission_denied) << answer.error().message;
    EXPECT_NE(answer.error().message.find(account(7).address().hex()), std::string::npos)
        << answer.error().message;
}

TEST(GrpcTls, who_shows_no_certificate_or_speaks_no_tls_gets_no_answer) {
    SecureServer secure;
    GrpcNetwork plain;
    EXPECT_FALSE(plain.call(secure.server->address(), "/x/Who", {}, std::chrono::seconds(2)).ok());
    EXPECT_EQ(plain
                  .call(peer_name(account(1).address(), secure.server->address()), "/x/Who", {},
                        std::chrono::seconds(2))
                  .error()
                  .kind,
              ErrorKind::invalid_argument);
    // And a certificate of somebody's own making, without an account in it.
    auto certificate = crypto::make_peer_certificate(account(2));
    certificate.certificate_pem[certificate.certificate_pem.size() / 2] ^= 1;
    GrpcNetwork forged(certificate);
    EXPECT_FALSE(forged.call(secure.server->address(), "/x/Who", {}, std::chrono::seconds(2)).ok());
    GrpcNetwork honest(crypto::make_peer_certificate(account(2)));
    EXPECT_TRUE(honest.call(secure.server->address(), "/x/Who", {}, std::chrono::seconds(5)).ok());
}

TEST(GrpcTls, a_caller_over_its_quota_is_told_so_and_others_are_not) {
    GrpcLimits limits;
    limits.caller.calls_a_second = 0.001;
    limits.caller.burst = 3;
    SecureServer secure(limits);
    GrpcNetwork eager(crypto::make_peer_certificate(account(2)));
    GrpcNetwork modest(crypto::make_peer_certificate(account(3)));
    const auto call = [&](GrpcNetwork& network) {
        return network.call(secure.server->address(), "/x/Who", {}, std::chrono::seconds(5));
    };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(call(eager).ok());
    EXPECT_EQ(call(eager).error().kind, ErrorKind::resource_exhausted);
    EXPECT_TRUE(call(modest).ok());
}

}  // namespace
}  // namespace mutirao::net
