// Ports of this machine that nobody listens at, for configuration files of programs beside ours.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ports.hpp"

namespace mutirao::net {

struct PortRange {
    std::uint16_t first, end;
};
// Those above the well-known ones that the system does not give to outgoing connections.
inline constexpr PortRange kQuietPorts{10'000, 32'768};

// `count` different TCP ports of 127.0.0.1 that are free now, by chance from `among`: those of the
// default are likely to be free when the program starts that they are meant for. unavailable when
// there are not as many. Any thread.
Result<std::vector<std::uint16_t>> free_loopback_ports(std::size_t count, Random& random,
                                                       PortRange among = kQuietPorts);

}  // namespace mutirao::net
