// What is on its way to each storage node, whichever block it belongs to: a bounded window of bytes
// a node, earlier blocks first, so that a slow node holds up neither the others nor memory.
#pragma once

#include <cstdint>
#include <memory>

#include "base/ports.hpp"
#include "publish/node_health.hpp"
#include "publish/nodes.hpp"

namespace mutirao::publish {

struct LaneLimits {
    // Sent to one node and not answered yet; a single part may be larger. Room for 1 Gbit/s over a
    // round trip of 60 ms.
    std::size_t window_bytes = 8 << 20;
};

// Any thread may call. What it is given must outlive it; calls in flight need not have ended
// when it is destroyed, and their `done` is then called when they end.
class SendLanes {
  public:
    SendLanes(StorageCalls& nodes, NodeHealth& health, LaneLimits limits);
    ~SendLanes() { close(); }
    SendLanes(const SendLanes&) = delete;
    SendLanes& operator=(const SendLanes&) = delete;

    // Sends the part once the node's window has room. `done` is called exactly once, on any thread:
    // with the node's answer; at once with `unavailable` while the node rests, unless the sender
    // insists; with `unavailable` when drop() took it back. `group` is the number of its block:
    // lower ones go first.
    void send(const Address& node, std::uint64_t group, SharePart part, bool insist,
              StorageCalls::Stored done);
    // Takes back all parts of a group that are not on their way yet.
    void drop(std::uint64_t group);
    // Takes back all that is not on its way; from then on nothing is sent and the nodes are not
    // used any more.
    void close();

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with calls in flight
};

}  // namespace mutirao::publish
