// Batches on disk, for as long as blocks may name them, one of each of an author's numbers.
// base/record_log.hpp says what becomes of torn ends and damage.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/record_log.hpp"
#include "lane/batch.hpp"

namespace mutirao::lane {

// Any thread.
class BatchLog {
  public:
    // "batches.log" under `disk`, which must outlive it.
    static Result<std::unique_ptr<BatchLog>> open(Disk& disk,
                                                  std::uint64_t segment_bytes = kSegmentBytes);

    // Which numbers of an author may come. Those below `floor` were used, wherever that was: a
    // ledger's state may come from another machine. Up to `ahead` may still be missing before one.
    struct Turn {
        std::uint64_t floor = 0, ahead = 0;
    };
    // Stores a batch, whose author has signed it, as Batch::encode() wrote it; it survives a power
    // cut when this returns, and is kept for blocks up to `until`. The same batch again is fine.
    // already_exists for another one with a number that was used: the author equivocates.
    // invalid_argument for a number that is not its turn.
    // `findings`: up to 64 bytes a transaction that are kept beside it.
    Status keep(const BatchStatement& batch, ByteSpan encoded, ByteSpan findings,
                std::uint64_t until, Turn turn);
    // Stores one that a quorum has certified, whatever else of its author is here.
    Status keep_certified(const BatchStatement& batch, ByteSpan encoded, ByteSpan findings,
                          std::uint64_t until);
    struct Kept {
        std::vector<Bytes> transactions;
        Bytes findings;
    };
    // not_found for one that is not kept; corrupt when the disk gives other bytes.
    Result<Kept> get(const BatchStatement& batch) const;
    // The same as keep() was given it.
    Result<Bytes> encoded(const BatchStatement& batch) const;
    bool has(const BatchStatement& batch) const;
    // What is kept of each author from a number on, in the order of numbers and none left out.
    using First = std::function<Result<std::uint64_t>(const Address& author)>;
    Result<std::vector<BatchStatement>> from(const First& first) const;

    // Blocks up to this height may name the batch, or whatever is kept now.
    void needed_until(const BatchStatement& batch, std::uint64_t height);
    void all_needed_until(std::uint64_t height);
    // Forgets, as far as whole segments have no others, the oldest batches that only blocks below
    // `height` may name.
    Status forget_below(std::uint64_t height);

  private:
    static constexpr std::uint64_t kSegmentBytes = 16 << 20;
    struct Segment {
        std::uint64_t last_height = 0;  // of blocks that may name its batches
        std::vector<std::pair<Address, std::uint64_t>> numbers;
        std::vector<Digest> others;
    };
    struct Numbered {
        Digest digest;
        std::uint32_t count = 0, bytes = 0;  // as in its statement
        RecordLog::Place place;
    };
    using Author = std::map<std::uint64_t, Numbered>;  // one batch of each number

    BatchLog() = default;
    Status store(const BatchStatement& batch, ByteSpan encoded, ByteSpan findings,
                 std::uint64_t until);
    void enter(const BatchStatement& batch, RecordLog::Place place);
    const Numbered* numbered(const BatchStatement& batch) const;
    std::optional<RecordLog::Place> place_of(const BatchStatement& batch) const;
    struct Read {
        Batch batch;
        Bytes findings;
    };
    static Result<Read> decode(ByteSpan record);
    Result<Read> find(const BatchStatement& batch) const;
    Result<Read> read(RecordLog::Place place) const;
    void forget(std::uint32_t segment);

    mutable std::mutex mutex_;  // guards everything below
    std::unique_ptr<RecordLog> records_;
    std::unordered_map<Address, Author> authors_;
    // Certified ones whose number another batch of the author has here; by their statements.
    std::unordered_map<Digest, RecordLog::Place> others_;
    std::map<std::uint32_t, Segment> segments_;
};

}  // namespace mutirao::lane
