// Dispersal: a coded block goes straight to the nodes that placement names, each checks and signs
// its share, and as soon as the signed weight reaches the threshold there is a certificate.
// Dead and slow nodes never delay it. protocol.md sections 3-5.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/ports.hpp"
#include "block/certificate.hpp"
#include "publish/nodes.hpp"
#include "publish/send_lanes.hpp"

namespace mutirao::publish {

// How much of a block must be signed for.
enum class Strength {
    available,  // block::kAvailableSlots: some content can be read whatever a third of nodes does
    strong,     // block::strong_slots for a sixth of liars: nobody can have stored anything else
};
Result<std::uint32_t> slots_needed(const block::Header& header, Strength strength);

struct DispersalOptions {
    std::uint64_t chain_id = 0;
    // After the threshold, a fortieth of the time that it took is given to the nodes that are
    // about to sign, at most this: more signers, more safety.
    Duration grace_max = std::chrono::milliseconds(20);
    std::size_t part_bytes = 4 << 20;  // of rows in one call to a node
    // Certified blocks that slow nodes may still receive. Beyond, the oldest is left to repair, and
    // its memory is free as soon as the calls on their way end.
    std::uint32_t lingering_max = 2;
    std::uint32_t tries = 3;  // of a node, while there is no quorum without it
    LaneLimits lanes = {};
};

struct Dispersal {
    block::Certificate certificate;
    std::uint32_t slots_signed = 0;
    std::vector<NodeFailure> failures;
};

// What it is given must outlive it; calls to nodes need not have ended when it is destroyed.
// Any thread may call disperse.
class Disperser {
  public:
    Disperser(StorageCalls& nodes, NodeHealth& health, Clock& clock, DispersalOptions options);
    ~Disperser();
    Disperser(const Disperser&) = delete;
    Disperser& operator=(const Disperser&) = delete;

    // unavailable "no quorum: ..." when all nodes have answered or failed, and failed again, and
    // fewer slots are signed than needed; the message names the first failures. Idempotent:
    // dispersing the same block again yields a certificate for the same id. The block is shared
    // because slow nodes still receive it after this returns.
    Result<Dispersal> disperse(std::shared_ptr<const block::CodedBlock> coded,
                               const Committee& committee, Strength strength = Strength::available,
                               const Threads& threads = {});

  private:
    struct Progress;
    struct Quorum;

    Result<Quorum> gather(const std::shared_ptr<Progress>& progress, std::uint32_t needed,
                          ByteSpan message);
    void begin(const std::shared_ptr<Progress>& progress, std::uint32_t member);
    static void send_part(const std::weak_ptr<SendLanes>& lanes,
                          const std::shared_ptr<Progress>& progress, std::uint32_t member,
                          std::size_t first_slot);
    // False when no failed node may be tried again.
    bool try_again(const std::shared_ptr<Progress>& progress);
    void linger(std::shared_ptr<Progress> progress);

    Clock& clock_;
    const DispersalOptions options_;
    std::shared_ptr<SendLanes> lanes_;                 // calls in flight see whether it is gone
    std::mutex mutex_;                                 // guards the two below
    std::deque<std::shared_ptr<Progress>> lingering_;  // certified, not yet with all nodes
    std::uint64_t next_group_ = 0;
};

}  // namespace mutirao::publish
