// The asking end of data channels: a Network for whatever moves many bytes, one TCP connection a
// peer, many calls at a time on it. docs/reference/data-channel.md.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/ports.hpp"
#include "net/channel_frame.hpp"

namespace mutirao::net {

// Where a peer's ChannelServer listens, and a ticket for it.
struct ChannelDoor {
    std::string address;  // "HOST:PORT"; a name is looked up, its addresses tried in turn
    ChannelTicket ticket;
};

struct ChannelClientLimits {
    std::size_t answer_bytes_max = 64 << 20;  // one answer; a longer one ends the connection
    std::size_t peers_max = 1024;             // connections kept; unused ones make room
    Duration connect_timeout = std::chrono::seconds(3);  // with the look-up of the name
    // After a peer could not be reached, calls to it fail at once for so long.
    Duration retry_after = std::chrono::milliseconds(300);
    // A connection on which something is awaited and nothing moves for so long is given up, as is
    // one on which an answer that has begun comes with fewer bytes in such a time. Servers say
    // that they live while their handlers work.
    Duration progress_timeout = std::chrono::seconds(10);
    std::size_t progress_bytes_min = 64 << 10;
    Duration idle_timeout = std::chrono::minutes(2);
};

// Any thread may call. Connections open with the first call to a peer and open again after they
// broke. Errors: what the peer's handler answered, as it was; `unavailable` when the peer cannot be
// reached or the connection breaks before the answer (the call may have been handled: repeat only
// what may be repeated); `timeout` at the deadline; what `introduce` said.
//
// `done` of start() runs on this network's own thread: it must be quick.
class ChannelNetwork final : public Network {
  public:
    // Asks the peer, over a connection that proves who both are, for its door. May block; runs on
    // threads of this network.
    using Introduce = std::function<Result<ChannelDoor>(const std::string& peer)>;
    // `random` outlives it.
    ChannelNetwork(Introduce introduce, Random& random, ChannelClientLimits limits = {});
    // Calls in progress fail with `unavailable`. Waits for a look-up that is under way, as long as
    // the system's resolver takes.
    ~ChannelNetwork() override;

    Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan request,
                       Duration deadline) override;
    void start(const std::string& peer, std::string_view method, Message request, Duration deadline,
               Done done) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::net
