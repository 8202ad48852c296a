#include "ledger/crowd.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

#include "os/clock.hpp"
#include "os/descriptor.hpp"

namespace mutirao::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::uint32_t kSources = 8;  // loopback addresses, each with ports of its own
constexpr std::size_t kSpare = 64;     // descriptors for everything else
constexpr Duration kPatience = std::chrono::seconds(1);
constexpr std::string_view kQuestion =
    R"({"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]})";
constexpr std::string_view kSubscription =
    R"({"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]})";

std::size_t room_for(std::size_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return std::min<std::size_t>(wanted, limit.rlim_cur > kSpare ? limit.rlim_cur - kSpare : 0);
}

os::Descriptor connect_from(std::uint32_t source, std::uint16_t port) {
    os::Descriptor out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    // The port is chosen at connect(), so that one may serve several addresses.
    ::setsockopt(out.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    // Vanishing: a reset, no farewell.
    const linger vanish{1, 0};
    ::setsockopt(out.get(), SOL_SOCKET, SO_LINGER, &vanish, sizeof(vanish));
    sockaddr_in from{}, to{};
    from.sin_family = to.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    const auto* address = reinterpret_cast<const sockaddr*>(&from);
    if (!out || ::bind(out.get(), address, sizeof(from)) != 0) return {};
    if (::connect(out.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0 &&
        errno != EINPROGRESS)
        return {};
    return out;
}

bool send_all(int fd, std::string_view bytes) {
    return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

std::string received(int fd) {
    std::array<char, 512> bytes;
    const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
    return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : std::string();
}

std::string subscription_frame() {
    std::string out = "\x81";
    out += static_cast<char>(0x80 | kSubscription.size());  // under 126
    out.append(4, '\0');
    return out += kSubscription;
}
static_assert(kSubscription.size() < 126);

void ask(int fd, bool subscribe) {
    static const auto question =
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::to_string(kQuestion.size()) + "\r\n\r\n" + std::string(kQuestion);
    send_all(fd, subscribe ? "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                           : std::string_view(question));
}

// Whether the server took it.
bool hear(int fd, bool subscribe) {
    const auto answer = received(fd);
    if (!subscribe) return answer.starts_with("HTTP/1.1 200");
    return answer.starts_with("HTTP/1.1 101") && send_all(fd, subscription_frame());
}

Result<double> first_answer_ms(const Opener& open) {
    const auto begin = steady_clock::now();
    for (;;) {
        const std::chrono::duration<double, std::milli> took = steady_clock::now() - begin;
        auto connection = open();
        if (connection.ok() && call(**connection, "eth_blockNumber", "[]").ok())
            return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
        if (took.count() > 30'000)
            return Error{ErrorKind::unavailable, "the ledger answers nobody after a crowd"};
        os::SystemClock().sleep(std::chrono::milliseconds(5));
    }
}

}  // namespace

Result<Crowd> stand_in_crowd(const Server& server, std::size_t count, const Sequence& row,
                             Duration lasts) {
    const auto http = over_http(server.port());
    Crowd out;
    out.bytes_before = server.resident_bytes();
    std::vector<os::Descriptor> sockets;
    for (std::size_t i = 0, wanted = room_for(count); i < wanted; ++i)
        if (auto socket = connect_from(static_cast<std::uint32_t>(i % kSources), server.port()))
            sockets.push_back(std::move(socket));
    os::SystemClock clock;
    clock.sleep(kPatience);
    for (std::size_t i = 0; i < sockets.size(); ++i) ask(sockets[i].get(), i % 2 == 1);
    clock.sleep(2 * kPatience);
    for (std::size_t i = 0; i < sockets.size(); ++i)
        ++(hear(sockets[i].get(), i % 2 == 1) ? out.answered : out.turned_away);
    out.sockets = sockets.size();
    out.finality_ms = finality_ms(probe_finality(http, row, lasts));
    out.bytes_with = server.resident_bytes();
    sockets.clear();
    TRY(out.answer_after_ms, first_answer_ms(http));
    out.bytes_after = server.resident_bytes();
    return out;
}

}  // namespace mutirao::bench
