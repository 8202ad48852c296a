// Blocks on disk, one after another, each with what this machine found out about its transactions
// (base/record_log.hpp says what becomes of torn ends and damage).
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "base/record_log.hpp"
#include "consensus/block.hpp"

namespace mutirao::consensus {

// One thread at a time, but for read().
class BlockLog {
  public:
    using Replay = std::function<Status(Block block, ByteSpan findings)>;
    // Calls `replay` for every whole block, in order. The first may be any: older ones may have
    // been forgotten. `segment_bytes`: as RecordLog's.
    // Whole segments below the block of height `from` are left out, but for their first blocks.
    static Result<std::unique_ptr<BlockLog>> open(Disk& disk, const Replay& replay,
                                                  std::uint64_t segment_bytes = kSegmentBytes,
                                                  std::uint64_t from = 0);

    // As RecordLog's.
    Status append(const Block& block, ByteSpan findings = {});
    Status sync() { return records_->sync(); }
    std::uint64_t bytes() const { return records_->bytes(); }
    // Calls `each` for blocks of heights `from` to `last`, in order, as far as they were here when
    // the log was opened and are kept. Any thread, beside the other calls. corrupt for damage.
    using Each = std::function<Status(const Block& block)>;
    Status read(std::uint64_t from, std::uint64_t last, const Each& each) const;

    // Forgets blocks below `height`, as far as whole segments have no others. The newest segment
    // stays. Returns whether any were forgotten.
    Result<bool> forget_below(std::uint64_t height);
    // Of the first block that is kept; 0 when there is none.
    std::uint64_t first_height() const { return first_heights_.empty() ? 0 : first_heights_[0]; }

  private:
    static constexpr std::uint64_t kSegmentBytes = 16 << 20;

    BlockLog() = default;
    void enter(std::uint64_t height, std::uint32_t segment);
    Status enter_left_out(std::uint32_t end);

    std::unique_ptr<RecordLog> records_;
    std::deque<std::uint64_t> first_heights_;  // of each segment that has blocks
    std::uint32_t last_segment_ = 0;           // of the last one
    struct Opened {
        std::uint64_t height;
        std::uint32_t segment;
    };
    std::vector<Opened> opened_;  // segments and their first blocks when it was opened
};

}  // namespace mutirao::consensus
