// The latest checkpoints of a run, cut into chunks that are checked one by one: workers that made
// the same one can each give any chunk of it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "train/blob.hpp"

namespace mutirao::node {

// Two, so that whoever fetches one is not cut off by the next.
inline constexpr std::size_t kCheckpointsKept = 2;

// In memory. Any thread.
class KeptCheckpoints {
  public:
    struct Name {
        std::uint32_t round = 0;  // rounds behind it
        Digest blob;              // train::ChunkList::id()

        bool operator==(const Name&) const = default;
    };

    // Replaces one of the same round; the oldest goes when there are too many.
    void keep(std::uint32_t round, Bytes file);
    // The newest last.
    std::vector<Name> names() const;
    // The encoded list of a checkpoint's chunks; not_found when it is not here (any more).
    Result<Bytes> list(const Digest& blob) const;
    // not_found also beyond the end.
    Result<Bytes> chunk(const Digest& blob, std::uint32_t index) const;

  private:
    struct Kept {
        Name name;
        train::ChunkList chunks;
        Bytes file;
    };
    Result<std::shared_ptr<const Kept>> find(const Digest& blob) const;

    mutable std::mutex mutex_;  // guards kept_, not what it points to
    std::deque<std::shared_ptr<const Kept>> kept_;
};

}  // namespace mutirao::node
