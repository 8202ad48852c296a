#include "hot/redis.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

#include "os/clock.hpp"

namespace mutirao::bench {
namespace {

// RESP: https://redis.io/docs/reference/protocol-spec/
std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

Error lost() { return Error{ErrorKind::unavailable, "redis-server has gone"}; }

}  // namespace

Result<std::unique_ptr<Redis>> Redis::start(const std::string& folder) {
    const auto path = folder + ".redis";
    TRY(auto process, os::Process::spawn({{"redis-server", "--port", "0", "--unixsocket", path,
                                           "--save", "", "--appendonly", "no", "--daemonize", "no"},
                                          {},
                                          folder + ".redis.log"}));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        return Error{ErrorKind::invalid_argument, "the folder for temporary files has a long name"};
    std::memcpy(address.sun_path, path.data(), path.size());
    os::SystemClock clock;
    for (int attempt = 0; attempt < 200; ++attempt) {
        os::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
            return std::unique_ptr<Redis>(new Redis(std::move(process), std::move(socket)));
        clock.sleep(std::chrono::milliseconds(20));
    }
    return Error{ErrorKind::unavailable, "redis-server does not listen at " + path};
}

Status Redis::send(std::string_view head, ByteSpan body) {
    for (auto part : {as_bytes(head), body})
        while (!part.empty()) {
            const auto sent = ::send(socket_.get(), part.data(), part.size(), MSG_NOSIGNAL);
            if (sent <= 0) return lost();
            part = part.subspan(static_cast<std::size_t>(sent));
        }
    return {};
}

Status Redis::receive_line(std::string& line) {
    for (;;) {
        if (const auto end = read_.find("\r\n"); end != read_.npos) {
            line = read_.substr(0, end);
            read_.erase(0, end + 2);
            return {};
        }
        char room[64];
        const auto got = ::recv(socket_.get(), room, sizeof(room), 0);
        if (got <= 0) return lost();
        read_.append(room, static_cast<std::size_t>(got));
    }
}

Status Redis::receive(MutableByteSpan out) {
    const auto ready = std::min(out.size(), read_.size());
    std::memcpy(out.data(), read_.data(), ready);
    read_.erase(0, ready);
    out = out.subspan(ready);
    while (!out.empty()) {
        const auto got = ::recv(socket_.get(), out.data(), out.size(), 0);
        if (got <= 0) return lost();
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

Status Redis::receive_bulk(MutableByteSpan out) {
    std::string line;
    TRY_VOID(receive_line(line));
    if (line != "$" + std::to_string(out.size()))
        return Error{ErrorKind::corrupt, "redis-server answered " + line};
    TRY_VOID(receive(out));
    std::uint8_t end[2];
    return receive(end);
}

Status Redis::set(std::string_view key, ByteSpan value) {
    TRY_VOID(send("*3\r\n" + bulk("SET") + bulk(key) + "$" + std::to_string(value.size()) + "\r\n",
                  value));
    TRY_VOID(send("\r\n", {}));
    std::string line;
    TRY_VOID(receive_line(line));
    if (line != "+OK") return Error{ErrorKind::corrupt, "redis-server answered " + line};
    return {};
}

Status Redis::get(std::string_view key, MutableByteSpan out) {
    TRY_VOID(send("*2\r\n" + bulk("GET") + bulk(key), {}));
    return receive_bulk(out);
}

Status Redis::get_range(std::string_view key, std::size_t offset, MutableByteSpan out) {
    TRY_VOID(send("*4\r\n" + bulk("GETRANGE") + bulk(key) + bulk(std::to_string(offset)) +
                      bulk(std::to_string(offset + out.size() - 1)),
                  {}));
    return receive_bulk(out);
}

}  // namespace mutirao::bench
