// Listen addresses, and the rule that keeps an unauthenticated server on this machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mutirao::net {

struct ListenAddress {
    std::string host;  // a numeric IPv4 or IPv6 address, without brackets
    std::uint16_t port = 0;
    bool loopback = false;  // 127.0.0.0/8 or ::1

    // "127.0.0.1:80", "[::1]:80".
    std::string text() const;
};

// "HOST:PORT" with HOST an IPv4 address, an IPv6 address in brackets, or "localhost" (127.0.0.1).
// Names are not looked up. invalid_argument with the right form in its sentence.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace mutirao::net
