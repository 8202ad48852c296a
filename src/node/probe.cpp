#include "node/probe.hpp"

#include "mutirao/v1/probe.pb.h"
#include "net/address.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

constexpr std::string_view kAsk = "/mutirao.v1.Probe/Ask";
constexpr std::string_view kDialBack = "/mutirao.v1.Probe/DialBack";
constexpr double kMilli = 1e-3;

Result<v1::AskReply> answer(const net::Caller& caller, const v1::AskRequest& request,
                            Clock& clock) {
    if (request.padding().size() > kProbePaddingMax || request.reply_bytes() > kProbePaddingMax)
        return Error{ErrorKind::invalid_argument, "a probe carries at most 1 MiB each way"};
    v1::AskReply reply;
    reply.set_padding(std::string(request.reply_bytes(), '\0'));
    reply.set_unix_ms(clock.unix_ms());
    reply.set_origin(caller.origin);
    return reply;
}

Result<v1::DialBackReply> dial(const net::Caller& caller, const v1::DialBackRequest& request,
                               Network& network, Clock& clock) {
    TRY(const auto peer, net::parse_peer(request.endpoint()));
    TRY(const auto place, net::parse_host_port(peer.address));
    if (!peer.account || place.host != caller.origin)
        return Error{ErrorKind::permission_denied,
                     "dials go back to an account at the address that the call comes from, " +
                         caller.origin + ", not to " + request.endpoint()};
    v1::DialBackReply reply;
    const auto asked = ask(network, clock, request.endpoint(), 0, 0, kDialBackDeadline);
    reply.set_reached(asked.ok());
    if (!asked.ok()) reply.set_error(asked.error().message);
    return reply;
}

}  // namespace

Result<Bytes> Probe::serve(const net::Caller& caller, std::string_view method,
                           ByteSpan request) const {
    if (method == kAsk) {
        v1::AskRequest in;
        TRY_VOID(wire::parse(request, in));
        TRY(const auto reply, answer(caller, in, clock_));
        return wire::serialize(reply);
    }
    if (method == kDialBack) {
        v1::DialBackRequest in;
        TRY_VOID(wire::parse(request, in));
        TRY(const auto reply, dial(caller, in, network_, clock_));
        return wire::serialize(reply);
    }
    return Error{ErrorKind::unimplemented, "there is no call " + std::string(method)};
}

Result<Asked> ask(Network& network, Clock& clock, const std::string& peer, std::size_t up_bytes,
                  std::size_t down_bytes, Duration deadline) {
    v1::AskRequest request;
    request.set_padding(std::string(up_bytes, '\0'));
    request.set_reply_bytes(static_cast<std::uint32_t>(down_bytes));
    const auto began = clock.monotonic();
    const auto wall = clock.unix_ms();
    TRY(const auto reply, wire::call<v1::AskReply>(network, peer, kAsk, request, deadline));
    if (reply.padding().size() != down_bytes)
        return Error{ErrorKind::corrupt, peer + " answered a probe with another size"};
    Asked out;
    out.round_trip = clock.monotonic() - began;
    const double half = std::chrono::duration<double>(out.round_trip).count() / 2;
    out.clock_ahead_s = kMilli * (static_cast<double>(reply.unix_ms()) - static_cast<double>(wall));
    out.clock_ahead_s -= half;
    out.origin = reply.origin();
    return out;
}

Status ask_to_dial(Network& network, const std::string& peer, const std::string& endpoint) {
    v1::DialBackRequest request;
    request.set_endpoint(endpoint);
    TRY(const auto reply,
        wire::call<v1::DialBackReply>(network, peer, kDialBack, request, 2 * kDialBackDeadline));
    if (!reply.reached()) return Error{ErrorKind::unavailable, reply.error()};
    return {};
}

}  // namespace mutirao::node
