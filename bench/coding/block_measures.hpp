// What a whole block costs: dispersing it, checking a share of it, auditing it.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "coding/peer.hpp"
#include "report/report.hpp"

namespace mutirao::bench {

// Call it before anything else has used memory: see peak_memory. One thread.
std::vector<Row> memory_measures(ByteSpan data);

// `data` is one block of kBlockSize bytes. A wrong result stops the process. One thread, but for
// the row that says two.
std::vector<Row> dispersal_measures(ByteSpan data, Peers& peers, int rounds);
std::vector<Row> share_measures(ByteSpan data, Peers& peers, int rounds);
std::vector<Row> audit_measures(int rounds);

}  // namespace mutirao::bench
