// The other ledgers that keep batches of the data lane: they are asked to keep some, and for those
// that this one lacks.
#pragma once

#include <map>
#include <mutex>

#include "base/ports.hpp"
#include "node/ledger_lane.hpp"

namespace mutirao::node {

inline constexpr std::string_view kKeepBatch = "/mutirao.v1.Lane/Keep";
inline constexpr std::string_view kGetBatch = "/mutirao.v1.Lane/Get";

// How a ledger reaches others. Calls wait for their answers on the executor's threads.
struct LaneDoor {
    Network& network;
    Executor& executor;
    std::vector<std::string> more = {};  // that may have batches, beside the keepers
};

// Any thread. What the door refers to must outlive it, and its tasks must have run before it goes.
class LanePeers {
  public:
    LanePeers(LaneDoor door, std::uint64_t chain_id)
        : door_(std::move(door)), chain_id_(chain_id) {}

    // Has the other keepers keep the encoded batch for blocks up to `until`; returns with `own` and
    // the signatures that verify once they are a quorum, or else unavailable, with the last
    // refusal, when all have answered or not in time (3 s).
    Result<std::vector<lane::Acknowledgement>> gather(LaneKeepersPtr keepers,
                                                      const lane::BatchStatement& batch,
                                                      std::uint64_t until, ByteSpan encoded,
                                                      const lane::Acknowledgement& own);
    // A certified batch from whoever has it: those who signed are asked first. Its bytes are those
    // that were certified; the author's signature is not checked. The last failure when nobody
    // gave it.
    Result<lane::Batch> get(const LaneKeepers& keepers, const lane::Certificate& certificate);

    Executor& executor() { return door_.executor; }

  private:
    struct Gathering;
    struct Asked {
        std::uint32_t keeper = 0;
        std::string peer;
    };
    void ask(const std::shared_ptr<Gathering>& gathering, const Asked& asked);
    bool enter(const std::string& peer);
    void leave(const std::string& peer);

    const LaneDoor door_;
    const std::uint64_t chain_id_;
    std::mutex mutex_;                      // guards busy_
    std::map<std::string, unsigned> busy_;  // calls under way to each, so that a dead one takes few
};

}  // namespace mutirao::node
