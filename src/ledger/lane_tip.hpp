// How far each author's batches (docs/reference/lane.md) have come: agreed state, so that no batch
// runs twice. The ledger only keeps the numbers; what a batch is, it does not know.
#pragma once

#include "ledger/records.hpp"

namespace mutirao::ledger {

struct LaneTip {
    Address author;
    std::uint64_t next = 0;  // number of the batch that may run next
};

namespace key {
Bytes lane_tip(const Address& author);
}  // namespace key

}  // namespace mutirao::ledger
