// Answers mutirao.v1.Probe at any role, and asks it: how far away a peer is, how fast the way there
// is, what its clock says, and whether it reaches us.
#pragma once

#include <string>
#include <string_view>

#include "base/ports.hpp"
#include "net/caller.hpp"

namespace mutirao::node {

inline constexpr std::size_t kProbePaddingMax = 1 << 20;
inline constexpr auto kDialBackDeadline = std::chrono::seconds(4);

// Any thread may call. What it is given must outlive it.
class Probe {
  public:
    Probe(Network& network, Clock& clock) : network_(network), clock_(clock) {}

    static bool serves(std::string_view method) { return method.starts_with("/mutirao.v1.Probe/"); }
    // Dials back only to a numeric address that is the caller's own (permission_denied otherwise),
    // so that nobody is called in somebody else's name; waits at most kDialBackDeadline.
    Result<Bytes> serve(const net::Caller& caller, std::string_view method, ByteSpan request) const;

  private:
    Network& network_;
    Clock& clock_;
};

struct Asked {
    Duration round_trip{};     // of the whole call
    double clock_ahead_s = 0;  // the peer's clock over ours; uncertain by half the round trip
    std::string origin;        // our address as the peer sees it
};
// One call with so many bytes of padding each way.
Result<Asked> ask(Network& network, Clock& clock, const std::string& peer, std::size_t up_bytes,
                  std::size_t down_bytes, Duration deadline);

// Whether `peer` reaches `endpoint` ("ACCOUNT@IP:PORT"): nothing when it does, else its words as
// `unavailable`. Other errors: the peer could not be asked, or refused.
Status ask_to_dial(Network& network, const std::string& peer, const std::string& endpoint);

}  // namespace mutirao::node
