// Records on disk, one after another: a frame and the record. A frame is the record's size (u32),
// its checksum (32 bytes) and the first 8 bytes of a checksum over both, so that a damaged size is
// not taken for the end. A torn end, which no sync() covered, is cut off on opening; damage with a
// whole frame behind it is an error, because what comes later builds on what came before. Damage
// inside the very last record looks like a torn end and is cut off as one.
//
// The log is a file NAME and, each time the newest has grown to a segment's size, NAME.1, NAME.2
// and so on: the oldest segments can be forgotten, and the others stay as they are.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/ports.hpp"

namespace mutirao {

// read() on any thread; all else by one thread at a time.
class RecordLog {
  public:
    struct Shape {
        std::string name;
        std::size_t record_max = 0;                    // bytes
        Digest (*checksum)(ByteSpan bytes) = nullptr;  // keyed for this log alone
        std::uint64_t segment_bytes = std::uint64_t{64} << 20;
        // For what can be done without: on opening, damage ends the log instead of being an error.
        // Then many records may be appended before one sync(), of which a power cut may leave any.
        bool cut_damage = false;
    };
    struct Place {
        std::uint32_t segment = 0;
        std::uint32_t size = 0;    // of the record
        std::uint64_t offset = 0;  // of the record in its segment
    };
    using Each = std::function<Status(ByteSpan record, Place place)>;
    // Whether opening may begin with the segment whose first record this is.
    using MayBegin = std::function<Result<bool>(ByteSpan record, Place place)>;
    // Whether to go on.
    using Visit = std::function<Result<bool>(ByteSpan record, Place place)>;

    // Calls `each` for every whole record, in order; its error is the result. `disk` must outlive
    // the log. corrupt, naming file and byte, for damage. Costs reading and checking all of it.
    static Result<std::unique_ptr<RecordLog>> open(Disk& disk, Shape shape, const Each& each);
    // The same from the newest segment on of which `may_begin` says so, else from the oldest.
    // `may_begin` is asked about segments from the newest to the oldest, but for those without a
    // whole first record. Damage in a segment that is left out is found by scan() only.
    static Result<std::unique_ptr<RecordLog>> open(Disk& disk, Shape shape, const Each& each,
                                                   const MayBegin& may_begin);

    // Writes a record of at most record_max bytes; it survives a power cut once sync() has
    // returned. On failure (a full disk) the log is as before; when even that cannot be had, and
    // after a sync() that failed, every later append fails (io): only opening it anew tells what
    // is on the disk.
    Result<Place> append(ByteSpan record);
    Status sync();
    // The record's bytes, unchecked. not_found when its segment was forgotten.
    Result<Bytes> read(Place place) const;
    // Calls `visit` for the records that were there when the log was opened, from those of a
    // segment on (of the oldest that is kept, if that is later), until it returns false. On any
    // thread, as read(); but what was cut off since must not be reached. corrupt for damage.
    Status scan(std::uint32_t segment, const Visit& visit) const;
    // The first record of a segment; nullopt where there is no whole one.
    struct First {
        Bytes record;
        Place place;
    };
    Result<std::optional<First>> first(std::uint32_t segment) const;

    std::uint32_t oldest() const { return segments_.front().number; }
    std::uint32_t newest() const { return segments_.back().number; }
    std::uint64_t bytes() const;
    // Removes the oldest segment, which is not the newest. After a failure it may be tried again.
    Status forget_oldest();
    // Removes a record and all after it. After a failure only opening it anew tells what is there.
    Status cut(Place from);

  private:
    struct Segment {
        std::uint32_t number = 0;
        std::shared_ptr<File> file;  // shared with whoever reads it while it is forgotten
        std::uint64_t size = 0;      // when the log was opened
    };
    struct Frame;

    RecordLog(Disk& disk, Shape shape) : disk_(disk), shape_(std::move(shape)) {}
    std::string path(std::uint32_t number) const;
    Status open_segments();
    Status enter_segment(std::uint32_t number);
    // Returns where it ended: behind the last whole record, at damage, or where `visit` wanted no
    // more.
    struct End {
        std::uint64_t at = 0;
        bool damaged = false, stopped = false;
    };
    Result<End> read_segment(const Segment& segment, const Visit& visit) const;
    Status read_whole(std::uint32_t number, const Each& each);
    Status cut_at(std::uint32_t number, std::uint64_t end);
    Result<bool> frame_follows(const File& file, std::uint64_t at, std::uint64_t end) const;
    Error damaged(const Segment& segment, std::uint64_t at) const;

    Disk& disk_;
    const Shape shape_;
    mutable std::mutex mutex_;  // held to change segments_, and to read it beside the one thread
    std::deque<Segment> segments_;  // ascending, none missing
    bool broken_ = false;           // nobody knows how the newest ends on the disk
};

}  // namespace mutirao
