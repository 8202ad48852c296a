#include "net/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include "crypto/account.hpp"

namespace mutirao::net {
namespace {

Error bad_address(std::string_view text) {
    return Error{ErrorKind::invalid_argument,
                 "\"" + std::string(text) +
                     "\" is no listen address; write it as 127.0.0.1:PORT or [::1]:PORT, with "
                     "port 0 for a free one"};
}

// What a resolver may be asked for; the labels' own rules are left to it.
bool is_host_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

bool is_loopback_v6(const in6_addr& address) {
    if (IN6_IS_ADDR_LOOPBACK(&address)) return true;
    return IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127;
}

}  // namespace

std::string ListenAddress::text() const {
    const bool bracketed = host.find(':') != host.npos;
    return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return bad_address(text);
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    ListenAddress address;
    const auto [end, problem] =
        std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (problem != std::errc() || end != port.data() + port.size()) return bad_address(text);

    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (host.find('\0') != host.npos) return bad_address(text);
    address.host = host == "localhost" && !bracketed ? "127.0.0.1" : std::string(host);
    in_addr v4{};
    in6_addr v6{};
    if (!bracketed && ::inet_pton(AF_INET, address.host.c_str(), &v4) == 1)
        address.loopback = ntohl(v4.s_addr) >> 24 == 127;
    else if (bracketed && ::inet_pton(AF_INET6, address.host.c_str(), &v6) == 1)
        address.loopback = is_loopback_v6(v6);
    else
        return bad_address(text);
    return address;
}

Result<HostPort> parse_host_port(std::string_view text) {
    const Error bad{ErrorKind::invalid_argument,
                    "\"" + std::string(text) +
                        "\" is no address; write it as example.org:PORT, 192.0.2.1:PORT or "
                        "[2001:db8::1]:PORT"};
    const auto colon = text.rfind(':');
    if (colon == text.npos) return bad;
    const auto port = text.substr(colon + 1);
    auto host = text.substr(0, colon);
    HostPort out;
    const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (problem != std::errc() || end != port.data() + port.size() || out.port == 0) return bad;
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        out.host = host.substr(1, host.size() - 2);
        in6_addr v6{};
        if (out.host.find('\0') != out.host.npos ||
            ::inet_pton(AF_INET6, out.host.c_str(), &v6) != 1)
            return bad;
        return out;
    }
    if (!is_host_name(host)) return bad;
    out.host = host;
    return out;
}

Result<PeerName> parse_peer(std::string_view text) {
    const auto at = text.find('@');
    if (at == text.npos) return PeerName{{}, std::string(text)};
    PeerName out;
    TRY(out.account, crypto::address_from_text(text.substr(0, at)));
    out.address = text.substr(at + 1);
    return out;
}

std::string peer_name(const Address& account, std::string_view address) {
    return crypto::to_checksum_text(account) + "@" + std::string(address);
}

}  // namespace mutirao::net
