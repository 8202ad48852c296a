// What a ledger's restart takes, part by part, and what its memory does while it writes snapshots.
#pragma once

#include <atomic>
#include <thread>

#include "ledger/server.hpp"

namespace mutirao::bench {

// In milliseconds; the parts as the ledger itself logs them.
struct Restart {
    double answer_ms = 0;         // from its start until a wallet is answered
    double snapshot_ms = 0;       // the state out of the snapshot, its root checked
    double log_ms = 0;            // blocks after it, run again
    double old_ms = 0;            // beside the answers: old blocks, receipts and events
    std::uint64_t run_again = 0;  // transactions
};

// Kills the ledger as a power cut does, starts it again, and waits until it has all.
Result<Restart> restart(Server& server);

// The largest resident set, in bytes, while a snapshot is being written and while none is; looked
// at every few milliseconds, from begin to end.
class MemoryWatch {
  public:
    explicit MemoryWatch(const Server& server);
    ~MemoryWatch();
    struct Peaks {
        std::uint64_t beside_snapshot = 0, without = 0;
    };
    Peaks stop();

  private:
    const Server& server_;
    std::atomic<bool> over_ = false;
    Peaks peaks_;  // the thread's until it ends
    std::thread thread_;
};

}  // namespace mutirao::bench
