#include "links/transfer.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace mutirao::bench {

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::uint16_t kPort = 7100;
constexpr timeval kPatience{60, 0};

Error no_socket(const char* what) {
    return {ErrorKind::unavailable, std::string("over the shaped line: ") + what};
}

double since(Steady::time_point began) {
    return std::chrono::duration<double>(Steady::now() - began).count();
}

sockaddr_in place_of(const NetSpace& end) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(kPort);
    ::inet_pton(AF_INET, end.address().c_str(), &place.sin_addr);
    return place;
}

// Neither a stuck receiver nor Nagle's algorithm may hold a measurement up.
OwnedFd prepared(int socket) {
    constexpr int kOn = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    return OwnedFd(socket);
}

OwnedFd listen_at(const NetSpace& end) {
    OwnedFd out;
    (void)end.run([&] {
        OwnedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto place = place_of(end);
        constexpr int kOn = 1;  // connections of an earlier transfer may still be closing
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
        if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0 &&
            ::listen(socket.get(), SOMAXCONN) == 0)
            out = std::move(socket);
    });
    return out;
}

OwnedFd connect_to(const NetSpace& from, const NetSpace& to) {
    OwnedFd out;
    (void)from.run([&] {
        auto socket = prepared(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto place = place_of(to);
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0)
            out = std::move(socket);
    });
    return out;
}

// One direction: what `out` sends arrives at `in`.
struct Connection {
    std::uint32_t to = 0;
    OwnedFd out, in;
};

Result<Connection> connection(const RealLine& line, std::uint32_t from, std::uint32_t to,
                              const OwnedFd& listener) {
    auto out = connect_to(line.end(from), line.end(to));
    if (out.get() < 0) return no_socket("no connection");
    auto in = prepared(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (in.get() < 0) return no_socket("no connection was accepted");
    return Connection{to, std::move(out), std::move(in)};
}

bool send_all(int socket, std::size_t bytes) {
    const std::vector<char> zeros(std::size_t{1} << 16);
    while (bytes > 0) {
        const auto sent = ::send(socket, zeros.data(), std::min(bytes, zeros.size()), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool receive_all(int socket, std::size_t bytes) {
    std::vector<char> buffer(std::size_t{1} << 16);
    while (bytes > 0) {
        const auto got = ::recv(socket, buffer.data(), std::min(bytes, buffer.size()), 0);
        if (got <= 0) return false;
        bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace

Result<std::vector<double>> real_all_gather(const RealLine& line, std::uint32_t ends,
                                            std::size_t bytes) {
    std::vector<Connection> connections;
    for (std::uint32_t to = 0; to < ends; ++to) {
        const auto listener = listen_at(line.end(to));
        if (listener.get() < 0) return no_socket("nobody could listen");
        for (std::uint32_t from = 0; from < ends; ++from) {
            if (from == to) continue;
            TRY(auto made, connection(line, from, to, listener));
            connections.push_back(std::move(made));
        }
    }
    std::vector<double> done(connections.size(), -1);
    std::vector<std::thread> threads;
    const auto began = Steady::now();
    for (std::size_t i = 0; i < connections.size(); ++i) {
        threads.emplace_back([&, i] { (void)send_all(connections[i].out.get(), bytes); });
        threads.emplace_back([&, i] {
            if (receive_all(connections[i].in.get(), bytes)) done[i] = since(began);
        });
    }
    for (auto& thread : threads) thread.join();
    std::vector<double> all(ends, 0);
    for (std::size_t i = 0; i < connections.size(); ++i) {
        if (done[i] < 0) return no_socket("a transfer did not end within a minute");
        all[connections[i].to] = std::max(all[connections[i].to], done[i]);
    }
    return all;
}

Result<double> real_round_trip(const RealLine& line, int tries) {
    const auto listener = listen_at(line.end(1));
    if (listener.get() < 0) return no_socket("nobody could listen");
    TRY(const auto both, connection(line, 0, 1, listener));
    double least = 1e9;
    for (int i = 0; i < tries; ++i) {
        const auto began = Steady::now();
        if (!send_all(both.out.get(), 1) || !receive_all(both.in.get(), 1) ||
            !send_all(both.in.get(), 1) || !receive_all(both.out.get(), 1))
            return no_socket("a byte did not come back");
        least = std::min(least, since(began));
    }
    return least;
}

}  // namespace mutirao::bench
