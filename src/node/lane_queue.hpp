// Batches that wait for a block, by who brought them here, so that nobody takes the room of others.
#pragma once

#include <map>
#include <mutex>
#include <span>

#include "lane/batch.hpp"

namespace mutirao::node {

inline constexpr std::size_t kLaneWaitingMax = 16384;  // transactions of one who brings them
inline constexpr std::size_t kLaneBatchesMax = 1024;   // likewise, batches

// Any thread.
class LaneQueue {
  public:
    // resource_exhausted when as many of theirs wait as may.
    Status room_for(const Address& from) const;
    // Until a block has it, or none may have it any more. `certificate` may be empty.
    void enter(const Address& from, const lane::BatchStatement& batch, std::uint64_t until,
               Bytes certificate);
    // What enter() was given with it; empty when there is none.
    Bytes certificate(const Address& from, const lane::BatchStatement& batch) const;
    // A block of this height has these.
    void leave(std::span<const lane::BatchStatement> batches, std::uint64_t height);

  private:
    struct Waiting {
        std::uint32_t transactions = 0;
        std::uint64_t until = 0;
        Bytes certificate;
    };
    struct Line {
        std::size_t transactions = 0;
        std::map<Digest, Waiting> batches;
    };
    mutable std::mutex mutex_;  // guards everything below
    std::map<Address, Line> lines_;
};

}  // namespace mutirao::node
