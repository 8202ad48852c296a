// What the code itself costs, beside other people's codes.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "coding/peer.hpp"
#include "report/report.hpp"

namespace mutirao::bench {

// `data` is one block of kBlockSize bytes. A wrong result stops the process. One thread, but for
// what says two.
std::vector<Row> encode_measures(ByteSpan data, Peers& peers, int rounds);
std::vector<Row> decode_measures(ByteSpan data, Peers& peers, int rounds);
std::vector<Row> thread_measures(ByteSpan data, int rounds);

}  // namespace mutirao::bench
