// Batches on disk, for as long as blocks name them, and which of each author's numbers is next.
// Frames as in the log of blocks: size, checksum, and a check of both; a torn end is cut off on
// opening, other damage is an error, because certificates were given for what was there.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ports.hpp"
#include "lane/batch.hpp"

namespace mutirao::lane {

// Any thread.
class BatchLog {
  public:
    // "batches.log" under `disk`, which must outlive it.
    static Result<std::unique_ptr<BatchLog>> open(Disk& disk);

    // Stores a batch, whose author has signed it; it survives a power cut when this returns. The
    // same batch again is fine. already_exists for another one with a number that was used: the
    // author equivocates. invalid_argument for a number that is not the next. Numbers below `floor`
    // were used, wherever that was: a ledger's state may come from another machine.
    Status keep(const Batch& batch, std::uint64_t floor = 0);
    // not_found for one that is not kept; corrupt when the disk gives other bytes.
    Result<std::vector<Bytes>> transactions(const BatchStatement& batch) const;
    // The number of an author's next batch.
    std::uint64_t next(const Address& author) const;
    // What is kept of each author from a number on, in the order of numbers; nothing of an author
    // whose batch of that number is not kept.
    using First = std::function<Result<std::uint64_t>(const Address& author)>;
    Result<std::vector<BatchStatement>> from(const First& first) const;

  private:
    struct Place {
        std::uint64_t offset = 0;
        std::uint32_t size = 0;
    };
    struct Author {
        std::uint64_t first = 0;
        std::vector<Place> batches;  // the first and those that follow it
        Digest last;                 // of the latest

        std::uint64_t next() const { return first + batches.size(); }
    };
    explicit BatchLog(std::unique_ptr<File> file) : file_(std::move(file)) {}
    Status read_all();
    void enter(const BatchStatement& batch, Place place);
    Status append(const Bytes& record);
    Result<Batch> read(Place place) const;

    mutable std::mutex mutex_;  // guards everything below
    std::unique_ptr<File> file_;
    bool broken_ = false;  // the file ends in half a record
    std::unordered_map<Address, Author> authors_;
};

}  // namespace mutirao::lane
