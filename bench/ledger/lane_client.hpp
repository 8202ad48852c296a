// The client's side of the data lane (docs/reference/lane.md).
#pragma once

#include "ledger/client.hpp"

namespace mutirao::bench {

// Each row is an author of batches, over one data channel to the ledger at `endpoint`.
SenderOpener by_lane(const std::string& endpoint, std::uint64_t chain_id);

}  // namespace mutirao::bench
