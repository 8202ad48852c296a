// How callers get onto a node's data channel: they ask for a ticket over the control network.
#pragma once

#include <string>
#include <string_view>

#include "base/ports.hpp"
#include "net/channel_network.hpp"
#include "net/channel_server.hpp"

namespace mutirao::node {

inline constexpr std::string_view kOpenChannel = "/mutirao.v1.Channel/Open";

// What a node answers to kOpenChannel: a ticket in the caller's name. Any thread.
Bytes open_door(net::ChannelServer& server, const net::Caller& caller);
// Asks `peer` ("HOST:PORT" of its control side) for its door. Any thread; blocks.
Result<net::ChannelDoor> ask_for_door(Network& network, const std::string& peer);

}  // namespace mutirao::node
