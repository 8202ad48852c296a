// Ports of this machine that nobody listens at, for configuration files of programs beside ours.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"

namespace mutirao::net {

// `count` different TCP ports of 127.0.0.1, free when the call was made: whoever is quick may take
// one before the program that it is meant for. Any thread.
Result<std::vector<std::uint16_t>> free_loopback_ports(std::size_t count);

}  // namespace mutirao::net
