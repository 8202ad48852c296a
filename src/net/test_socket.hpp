// A raw TCP client for tests that say exactly which bytes go out.
#pragma once

#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.hpp"

namespace mutirao::net {

class TestSocket {
  public:
    // From 127.0.0.`host`, all of which are this machine.
    explicit TestSocket(std::uint16_t port, std::uint8_t host = 1)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
        ENSURE(
            host == 1 || ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0,
            "loopback addresses are there");
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    }
    ~TestSocket() { close(); }
    TestSocket(const TestSocket&) = delete;
    TestSocket& operator=(const TestSocket&) = delete;

    bool connected() const { return connected_; }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    // False when the other side has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    bool readable_within(std::chrono::milliseconds time) {
        pollfd ready{fd_, POLLIN, 0};
        return ::poll(&ready, 1, static_cast<int>(time.count())) > 0;
    }
    // What arrives until `ending` has been seen, the other side closes, or 20 s pass without a
    // byte.
    std::string read_until(std::string_view ending) {
        std::string got;
        while (ending.empty() || got.find(ending) == got.npos) {
            if (!readable_within(std::chrono::seconds(20))) return got + "<nothing for 20 s>";
            char chunk[16384];
            const auto size = ::recv(fd_, chunk, sizeof(chunk), 0);
            if (size <= 0) break;
            got.append(chunk, static_cast<std::size_t>(size));
        }
        return got;
    }
    // Exactly so many bytes, or fewer when the other side closes.
    std::string read_exactly(std::size_t size) {
        std::string got(size, '\0');
        std::size_t done = 0;
        while (done < size && readable_within(std::chrono::seconds(20))) {
            const auto more = ::recv(fd_, &got[done], size - done, 0);
            if (more <= 0) break;
            done += static_cast<std::size_t>(more);
        }
        got.resize(done);
        return got;
    }
    std::string read_all() { return read_until(""); }

  private:
    int fd_;
    bool connected_ = false;
};

}  // namespace mutirao::net
