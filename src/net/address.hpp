// Listen addresses, and the rule that keeps an unauthenticated server on this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

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

// Where something is to be reached: a host that may have to be looked up, and a port.
struct HostPort {
    std::string host;  // a DNS name, or a numeric IPv4 or IPv6 address without brackets
    std::uint16_t port = 0;
};
// "HOST:PORT", an IPv6 address in brackets, PORT from 1 on. Names are letters, digits, '-', '_' and
// dots, of at most 253 bytes (RFC 1123, section 2.1); nothing is looked up. invalid_argument with
// the right form in its sentence.
Result<HostPort> parse_host_port(std::string_view text);

// A peer as it is called: where it is, and which account it has to prove, if that is known.
struct PeerName {
    std::optional<Address> account;
    std::string address;  // "HOST:PORT"
};
// "HOST:PORT" or "0xACCOUNT@HOST:PORT"; invalid_argument when the account is none.
Result<PeerName> parse_peer(std::string_view text);
// "0xACCOUNT@HOST:PORT".
std::string peer_name(const Address& account, std::string_view address);

}  // namespace mutirao::net
