// Fragments on disk: statements and slots of blocks in append-only segment files, with an index in
// memory that is rebuilt by reading the segments. segment.hpp has the format.
//
// Nothing that was synced is lost by a crash: a torn end is cut off, damaged records are left out
// and counted, and the rest stays readable. A segment file is removed once nothing in it lives.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "storage/segment.hpp"

namespace mutirao::storage {

inline constexpr std::uint64_t kSegmentSizeMax = 256u << 20;

// A slot as it comes in: its rows, and their digests, which are kept beside them.
struct SlotToStore {
    std::uint32_t slot = 0;
    std::span<const Digest> digests;
    std::vector<ByteSpan> rows;
};

// What open() found.
struct Recovery {
    std::uint64_t records = 0;
    std::uint64_t damaged = 0;
    std::uint64_t torn_bytes = 0;  // cut off the ends of segments
};

// Any thread may call anything. Reads and syncs do not hold up one another.
class FragmentStore {
  public:
    // Opens what is under "segments/" of the disk, or begins an empty store there with a checksum
    // key from `random`. Reads every stored byte once. io when the disk fails, corrupt when neither
    // "segments/key" nor any segment still tells the checksum key.
    static Result<std::unique_ptr<FragmentStore>> open(
        Disk& disk, Random& random, std::uint64_t segment_size_max = kSegmentSizeMax);

    // Stores; a second time for the same block (and slot) changes nothing. invalid_argument over
    // kPayloadSizeMax. When the disk is full (resource_exhausted) or fails (io) nothing is stored
    // and everything stored before stays readable.
    Status put_statement(const BlockId& block, ByteSpan bytes);
    Status put_slot(const BlockId& block, std::uint32_t slot, ByteSpan payload);
    // A statement and slots of one block; each slot's payload is its digests, then its rows.
    Status put_share(const BlockId& block, ByteSpan statement, std::span<const SlotToStore> slots);
    // Returns once everything put before the call survives a power cut. After a failure the system
    // may already have dropped what was not written, so puts and syncs are refused from then on:
    // the store must be opened again.
    Status sync();

    // not_found, naming the block, when it is not here; corrupt when it turns out damaged: it then
    // counts as damaged and not as stored any more.
    Result<Bytes> statement(const BlockId& block);
    Result<Bytes> slot(const BlockId& block, std::uint32_t slot);
    // A part of a slot's payload, not checked: the caller knows by its content whether it is right,
    // and calls lose_slot when it is not. invalid_argument beyond the payload's end.
    Status read_slot(const BlockId& block, std::uint32_t slot, std::uint64_t offset,
                     MutableByteSpan out) const;
    // Takes a slot that its reader found damaged out of the index.
    void lose_slot(const BlockId& block, std::uint32_t slot);

    bool has_statement(const BlockId& block) const;
    bool contains(const BlockId& block, std::uint32_t slot) const;
    std::vector<std::uint32_t> slots(const BlockId& block) const;  // ascending
    std::vector<BlockId> blocks() const;                           // ascending

    // Forgets a block: a record says so (durable with the next sync), and segments without living
    // records are removed. not_found when it is not here.
    Status drop(const BlockId& block);

    std::uint64_t slot_count() const;
    std::uint64_t bytes_stored() const;  // payload bytes of living records
    std::uint64_t damaged() const;       // at open and since
    const Recovery& recovery() const { return recovery_; }

  private:
    struct Segment {
        std::shared_ptr<File> file;  // shared with reads and syncs in flight
        std::uint64_t size = 0;      // up to the last whole record
        std::uint64_t living = 0;    // records in the index
        bool closed = false;         // takes no more records
        // For each drop record here, the segments whose dead records it keeps dead.
        std::map<BlockId, std::set<std::uint32_t>> drops;
    };
    struct Place {
        std::uint32_t segment = 0;
        std::uint64_t offset = 0;  // of the record
        std::uint32_t payload_size = 0;
    };
    struct Block {
        std::optional<Place> statement;
        std::map<std::uint32_t, Place> slots;
        std::set<std::uint32_t> segments;  // that hold any record of it, living or not

        bool empty() const { return !statement && slots.empty(); }
    };
    struct Found {
        std::shared_ptr<File> file;
        Place place;
    };

    FragmentStore(Disk& disk, std::uint64_t segment_size_max)
        : disk_(disk), segment_size_max_(segment_size_max) {}

    Status load_key(Random& random, const std::vector<std::uint32_t>& numbers);
    Status load_segment(std::uint32_t number);
    Status put(RecordKind kind, const BlockId& block, std::uint32_t slot, ByteSpan payload);
    Result<Found> find(RecordKind kind, const BlockId& block, std::uint32_t slot) const;
    Result<Bytes> read(RecordKind kind, const BlockId& block, std::uint32_t slot);
    void lose(RecordKind kind, const BlockId& block, std::uint32_t slot, const Place& place);

    // With mutex_ held:
    const Place* place_of(RecordKind kind, const BlockId& block, std::uint32_t slot) const;
    Status usable() const;
    Result<Place> append(const RecordHeader& header, ByteSpan record);
    Result<std::uint32_t> segment_with_room(std::uint64_t record_size);
    void enter(const RecordHeader& header, const Place& place);
    void erase_block(const BlockId& block, std::uint32_t drop_segment);
    void release(const Place& place);
    void remove_dead_segments();

    Disk& disk_;
    const std::uint64_t segment_size_max_;
    crypto::Key key_;  // of all checks; set once by open()
    Recovery recovery_;

    std::mutex sync_mutex_;     // held over a sync; always taken before mutex_
    mutable std::mutex mutex_;  // guards everything below
    std::map<std::uint32_t, Segment> segments_;
    std::unordered_map<BlockId, Block> blocks_;
    std::set<std::uint32_t> unsynced_;  // segments appended to since their last sync
    std::uint64_t slot_count_ = 0;
    std::uint64_t bytes_stored_ = 0;
    std::uint64_t damaged_ = 0;
    bool sync_failed_ = false;
};

}  // namespace mutirao::storage
