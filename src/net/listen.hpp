// How servers of this room open their port. Private to net: includes Asio.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "net/address.hpp"

namespace mutirao::net {

// Opens `acceptor` at `wanted` and returns the port, which is a free one where `wanted` says 0.
// unavailable when the port is taken or not permitted.
Result<std::uint16_t> listen_at(boost::asio::ip::tcp::acceptor& acceptor,
                                const ListenAddress& wanted);

}  // namespace mutirao::net
