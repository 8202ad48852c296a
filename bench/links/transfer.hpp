// Plain TCP over a RealLine, for what the simulated links are held against.
#pragma once

#include "links/real_line.hpp"

namespace mutirao::bench {

// `bytes` from each end to each other one, at once, over connections that are open already; for
// each end, seconds until it had all of its own. unavailable when a socket fails or a minute is not
// enough.
Result<std::vector<double>> real_all_gather(const RealLine& line, std::uint32_t ends,
                                            std::size_t bytes);
// Seconds from sending one byte until it came back, the least of `tries`.
Result<double> real_round_trip(const RealLine& line, int tries);

}  // namespace mutirao::bench
