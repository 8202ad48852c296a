#include "node/channel_door.hpp"

#include "mutirao/v1/channel.pb.h"
#include "net/address.hpp"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

constexpr auto kDeadline = std::chrono::seconds(5);

}  // namespace

Bytes open_door(net::ChannelServer& server, const net::Caller& caller) {
    const auto ticket = server.grant(caller);
    v1::OpenChannelReply out;
    out.set_port(server.port());
    out.set_ticket(wire::to_field(ticket.id.span()));
    out.set_secret(wire::to_field(ticket.secret.span()));
    return wire::serialize(out);
}

Result<net::ChannelDoor> ask_for_door(Network& network, const std::string& peer) {
    TRY(auto reply, wire::call<v1::OpenChannelReply>(network, peer, kOpenChannel,
                                                     v1::OpenChannelRequest{}, kDeadline));
    net::ChannelDoor door;
    if (reply.port() == 0 || reply.port() > 65535)
        return Error{ErrorKind::corrupt, "peer " + peer + " names a data channel without a port"};
    TRY(const auto name, net::parse_peer(peer));
    door.address =
        name.address.substr(0, name.address.rfind(':') + 1) + std::to_string(reply.port());
    TRY(door.ticket.id, wire::fixed_field<net::ChannelTicket::Id>(reply.ticket()));
    TRY(door.ticket.secret, wire::fixed_field<Digest>(reply.secret()));
    return door;
}

}  // namespace mutirao::node
