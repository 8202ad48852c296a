// Ports of this machine that nobody listens at, for configuration files of programs beside ours.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ports.hpp"

namespace mutirao::net {

// `count` different TCP ports of 127.0.0.1 that are free now, by chance from those that the system
// does not give to outgoing connections (under 32768): they are likely to be free when the program
// starts that they are meant for. unavailable when there are not as many. Any thread.
Result<std::vector<std::uint16_t>> free_loopback_ports(std::size_t count, Random& random);

}  // namespace mutirao::net
