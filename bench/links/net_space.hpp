// A network of its own for one end of a line: a Linux network namespace that holds a loopback and
// one TUN device, made with system calls alone. It has no name and needs no cleaning up: it goes
// when its NetSpace and the last process in it are gone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hpp"

namespace mutirao::bench {

inline constexpr std::size_t kMtu = 1500;

// A descriptor that is closed with its owner.
class OwnedFd {
  public:
    explicit OwnedFd(int fd = -1) : fd_(fd) {}
    OwnedFd(OwnedFd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    OwnedFd& operator=(OwnedFd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~OwnedFd();
    int get() const { return fd_; }

  private:
    int fd_;
};

class NetSpace {
  public:
    // `index` 0 to 199 makes the device's address 10.77.0.(index + 1) of a /24. permission_denied
    // with what to do about it where this process may not make namespaces or devices.
    static Result<NetSpace> make(std::uint32_t index);

    const std::string& address() const { return address_; }
    // Where the packets are that are sent from within; what is written here arrives there.
    int device() const { return device_.get(); }

    // Runs `work` on a thread of its own inside, and waits for it: sockets that it opens stay
    // there.
    Status run(const std::function<void()>& work) const;
    // Moves the calling thread inside, for good: for a child between fork and exec. Whether it did.
    bool enter() const;

  private:
    NetSpace(std::string address, OwnedFd space, OwnedFd device)
        : address_(std::move(address)), space_(std::move(space)), device_(std::move(device)) {}

    std::string address_;
    OwnedFd space_, device_;
};

}  // namespace mutirao::bench
