// Who is at the other end of a connection, and whether they may call.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace mutirao::net {

struct Caller {
    // Proven by the caller's certificate (mutual TLS) or ticket; nothing for anonymous clients.
    std::optional<Address> account;
    // Numeric IP address without a port: what anonymous callers are counted by.
    std::string origin;

    // What limits are counted by: the account's hex, else the origin.
    std::string name() const { return account ? account->hex() : origin; }
    bool operator==(const Caller&) const = default;
};

// What a server does with a call. From many threads at once; `request` is borrowed for the call.
using Answer =
    std::function<Result<Bytes>(const Caller& caller, std::string_view method, ByteSpan request)>;

// Whether this caller may call this method; asked before a request is handled. From many threads at
// once; quick.
using Admit = std::function<Status(const Caller& caller, std::string_view method)>;

}  // namespace mutirao::net
