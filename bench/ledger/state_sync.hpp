// A ledger that joins late: how long it takes to come to the state of another, by CometBFT's state
// sync (ABCI), with this program in CometBFT's place.
#pragma once

#include <filesystem>

#include "ledger/work.hpp"

namespace mutirao::bench {

struct StateSync {
    double prepare_ms = 0;  // until the one that has the state offers a snapshot
    double pieces_ms = 0;   // all pieces but the last: read, hashed, taken
    double last_ms = 0;     // the last piece: the state is restored, its root checked, and stored
    std::size_t pieces = 0;
    std::uint64_t bytes = 0;

    double total_ms() const { return prepare_ms + pieces_ms + last_ms; }
};

// Both ledgers in this process, each with a folder on disk; no network between them. Fails when the
// fresh one does not arrive at the other's state hash.
Result<StateSync> sync_state(const Chain& chain, const std::filesystem::path& folder);

}  // namespace mutirao::bench
