// What blocks left in the application's history, on disk, a record a block: it is written once, by
// the snapshot after the block, and not again by every later one. base/record_log.hpp says what
// becomes of torn ends and damage.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "base/record_log.hpp"

namespace mutirao::consensus {

// read() on any thread; all else by one thread at a time.
class HistoryLog {
  public:
    static constexpr std::uint64_t kSegmentBytes = 16 << 20;
    static constexpr std::size_t kPartMax = 64 << 20;  // bytes of one block's part

    // "history.log" under `disk`, which must outlive it. What is there of blocks above `last` was
    // written for a snapshot that never came to be, and is cut off; and so is what comes after
    // damage, where that is in the newest segment that has blocks up to `last`. Costs reading that
    // one, and the first record of each before.
    static Result<std::unique_ptr<HistoryLog>> open(Disk& disk, std::uint64_t last,
                                                    std::uint64_t segment_bytes = kSegmentBytes);

    // Of the newest block that is here; 0 when none is.
    std::uint64_t last_height() const { return last_height_; }
    // For a block above that; there may be a gap. As RecordLog's; resource_exhausted for too much.
    Status append(std::uint64_t height, ByteSpan part);
    Status sync() { return records_->sync(); }
    // Forgets blocks below `height`, as far as whole segments have no others. The newest segment
    // stays.
    Status forget_below(std::uint64_t height);

    // Calls `each` for blocks that were here when it was opened, in order. Its error is the result;
    // corrupt for damage.
    using Each = std::function<Status(std::uint64_t height, ByteSpan part)>;
    Status read(const Each& each) const;

  private:
    HistoryLog() = default;
    void enter(std::uint64_t height, std::uint32_t segment);

    std::unique_ptr<RecordLog> records_;
    std::uint64_t last_height_ = 0;
    std::deque<std::uint64_t> first_heights_;  // of each segment that has blocks
    std::uint32_t last_segment_ = 0;           // of the last one
};

}  // namespace mutirao::consensus
