// A file descriptor that closes itself, and what an errno means in our words.
#pragma once

#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace mutirao::os {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() { close(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    void close();

  private:
    int fd_ = -1;
};

// "WHAT: the system's words". ENOSPC, EDQUOT and EFBIG are resource_exhausted and begin with "disk
// full"; ENOENT is not_found, EACCES and EPERM permission_denied, anything else io.
Error errno_error(std::string_view what, int code);

}  // namespace mutirao::os
