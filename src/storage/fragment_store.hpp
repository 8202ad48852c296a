// Fragments on disk: statements and slots of blocks in append-only segment files, with an index in
// memory (23 bytes a slot at 32 slots a block). segment.hpp has the format; docs/decisions/0011
// says why the index is our own. A segment that takes no more records gets a sidecar, so that
// opening the store reads the last segment only.
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
#include "base/shared_sync.hpp"
#include "storage/segment.hpp"

namespace mutirao::storage {

inline constexpr std::uint64_t kSegmentSizeMax = 256u << 20;
inline constexpr std::uint64_t kShareSizeMax = 512u << 20;

// A slot as it comes in: its rows, and their digests, which are kept beside them.
struct SlotToStore {
    std::uint32_t slot = 0;
    std::span<const Digest> digests;
    std::vector<ByteSpan> rows;
};

// A part of a slot's payload that a reader wants.
struct SlotPart {
    std::uint64_t offset = 0;
    MutableByteSpan out;
};

// What open() found.
struct Recovery {
    std::uint64_t records = 0;
    std::uint64_t damaged = 0;
    std::uint64_t torn_bytes = 0;  // cut off the ends of segments
};

// How far scrubbing has come.
struct ScrubStep {
    std::uint64_t bytes = 0;    // read in this step
    std::uint64_t damaged = 0;  // records found damaged in it
    bool finished = false;      // all records were looked at; the next step begins anew
};

struct CompactionStep {
    std::uint64_t bytes = 0;     // moved in this step
    std::uint32_t segments = 0;  // removed
    bool finished = false;       // nothing is left to do
};

// Any thread may call anything. Reads, appends and syncs do not hold up one another.
class FragmentStore {
  public:
    // Opens what is under "segments/" of the disk, or begins an empty store there with a checksum
    // key from `random`. io when the disk fails, corrupt when neither "segments/key" nor any
    // segment still tells the checksum key, unimplemented when they are of another version.
    static Result<std::unique_ptr<FragmentStore>> open(
        Disk& disk, Random& random, std::uint64_t segment_size_max = kSegmentSizeMax);

    // Stores; a second time for the same block (and slot) changes nothing. invalid_argument over
    // kPayloadSizeMax. When the disk is full (resource_exhausted) or fails (io) nothing is stored
    // and everything stored before stays readable.
    Status put_statement(const BlockId& block, ByteSpan bytes);
    Status put_slot(const BlockId& block, std::uint32_t slot, ByteSpan payload);
    // A statement (none when it is empty) and slots of one block, all in one append, without a copy
    // of the rows; each slot's payload is its digests, then its rows, which all have one size, a
    // multiple of 128 bytes. The caller has hashed the rows already: they are not hashed again.
    // invalid_argument for other rows, and over kPayloadSizeMax a slot or kShareSizeMax in all.
    Status put_share(const BlockId& block, ByteSpan statement, std::span<const SlotToStore> slots);
    // Returns once everything put before the call survives a power cut; calls that wait at the same
    // time share one sync. After a failure the system may already have dropped what was not
    // written, so puts and syncs are refused from then on: the store must be opened again.
    Status sync();

    // not_found, naming the block, when it is not here; corrupt when it turns out damaged: it then
    // counts as damaged and not as stored any more.
    Result<Bytes> statement(const BlockId& block);
    Result<Bytes> slot(const BlockId& block, std::uint32_t slot);
    // A part of a slot's payload, not checked: the caller knows by its content whether it is right,
    // and calls lose_slot when it is not. invalid_argument beyond the payload's end.
    Status read_slot(const BlockId& block, std::uint32_t slot, std::uint64_t offset,
                     MutableByteSpan out) const;
    // Several parts of one and the same record, looked up once.
    Status read_slot(const BlockId& block, std::uint32_t slot,
                     std::span<const SlotPart> parts) const;
    // Takes a slot that its reader found damaged out of the index.
    void lose_slot(const BlockId& block, std::uint32_t slot);

    bool has_statement(const BlockId& block) const;
    bool contains(const BlockId& block, std::uint32_t slot) const;
    std::vector<std::uint32_t> slots(const BlockId& block) const;  // ascending
    std::vector<BlockId> blocks() const;                           // ascending

    // Forgets a block: a record says so (durable with the next sync), and segments without living
    // records are removed. not_found when it is not here. A full disk does not stop it: puts leave
    // a reserve for some hundred drops.
    Status drop(const BlockId& block);

    // Reads and checks living records, about `bytes_max` bytes a call; damaged ones count and leave
    // the index. One thread at a time.
    Result<ScrubStep> scrub_some(std::uint64_t bytes_max);
    // Moves living records out of segments of which less than half lives, about `bytes_max` bytes a
    // call, and removes those segments once the records are safe elsewhere. Needs room on the disk
    // for what it moves: resource_exhausted changes nothing. One thread at a time.
    Result<CompactionStep> compact_some(std::uint64_t bytes_max);

    std::uint64_t slot_count() const;
    std::uint64_t bytes_stored() const;  // payload bytes of living records
    std::uint64_t damaged() const;       // at open and since
    const Recovery& recovery() const { return recovery_; }

  private:
    struct Segment {
        std::shared_ptr<File> file;      // shared with reads and syncs in flight
        std::uint64_t size = 0;          // up to the last whole record
        std::uint64_t let_go = 0;        // bytes that need not stay in memory
        std::uint64_t living = 0;        // records in the index
        std::uint64_t living_bytes = 0;  // of those, with their headers and checks
        bool closed = false;             // takes no more records
        // Records of it live elsewhere now: it stays until that many syncs have begun and ended.
        std::uint64_t needs_syncs = 0;
        // Until the segment has a sidecar: what goes into it.
        std::vector<PlacedRecord> records;
        bool has_sidecar = false;
        // For each drop record here, the segments whose dead records it keeps dead.
        std::map<BlockId, std::set<std::uint32_t>> drops;
    };
    // One for each slot: 16 bytes.
    struct Place {
        std::uint32_t offset = 0;  // of the record
        std::uint32_t slot = 0;
        std::uint64_t segment : 30 = 0;
        std::uint64_t payload_size : 21 = 0;  // up to kPayloadSizeMax
        std::uint64_t rows : 13 = 0;          // 160 bytes of payload each, at least

        Place() = default;
        Place(std::uint64_t at, std::uint32_t in, const RecordHeader& header)
            : offset(static_cast<std::uint32_t>(at)),
              slot(header.slot),
              segment(in),
              payload_size(header.payload_size),
              rows(header.rows) {}
        bool operator==(const Place&) const = default;
    };
    static_assert(sizeof(Place) == 16);
    struct Block {
        std::optional<Place> statement;
        std::vector<Place> slots;             // ascending
        std::vector<std::uint32_t> segments;  // that hold any record of it, living or not

        bool empty() const { return !statement && slots.empty(); }
    };
    struct Found {
        std::shared_ptr<File> file;
        Place place;
    };
    // A record on its way into the store.
    struct Incoming {
        RecordHeader header;
        std::vector<ByteSpan> pieces;  // the whole record
    };
    struct Living {  // a record that compaction or scrubbing looks at
        RecordHeader header;
        Place place;
    };

    FragmentStore(Disk& disk, std::uint64_t segment_size_max)
        : disk_(disk), segment_size_max_(segment_size_max) {}

    Status load_key(Random& random, const std::vector<std::uint32_t>& numbers);
    Status load_segment(std::uint32_t number, bool last);
    Result<bool> load_sidecar(std::uint32_t number);
    Status put(RecordKind kind, const BlockId& block, std::uint32_t slot, ByteSpan payload);
    // Appends those that are not in the index yet, in one write.
    Status append(std::vector<Incoming> records);
    // With append_mutex_ held:
    Status write(const std::vector<Incoming>& records);
    Status keep_reserve();
    bool give_up_reserve();
    Status sync_once();
    void write_sidecars();
    void remove_sidecar(std::uint32_t number);
    Result<Found> find(RecordKind kind, const BlockId& block, std::uint32_t slot) const;
    Result<Bytes> read(RecordKind kind, const BlockId& block, std::uint32_t slot);
    void lose(RecordKind kind, const BlockId& block, std::uint32_t slot, const Place& place);
    std::vector<Living> living_in(std::uint32_t segment) const;
    std::optional<std::uint32_t> next_to_compact();
    Status move(const Living& record);
    Status carry_drops(std::uint32_t segment);

    // With mutex_ held:
    Place* place_of(RecordKind kind, const BlockId& block, std::uint32_t slot);
    const Place* place_of(RecordKind kind, const BlockId& block, std::uint32_t slot) const;
    Status usable() const;
    Result<std::uint32_t> segment_with_room(std::uint64_t size);
    void enter(const RecordHeader& header, const Place& place);
    void trim_index();
    void erase_block(const BlockId& block, std::uint32_t drop_segment);
    void hold(const Place& place);
    void release(const Place& place);
    void remove_dead_segments();
    // Whether a drop record of `segment` with these segments must stay, or be written once more.
    bool keeps_others_dead(std::uint32_t segment, const std::set<std::uint32_t>& keeps_dead) const;
    bool keeps_others_dead(std::uint32_t segment) const;
    bool lives(const BlockId& block) const;

    Disk& disk_;
    const std::uint64_t segment_size_max_;
    crypto::Key key_;  // of all checks; set once by open()
    Recovery recovery_;

    SharedSync syncs_;

    std::mutex append_mutex_;   // held over an append; always taken before mutex_
    bool has_reserve_ = false;  // guarded by it
    mutable std::mutex mutex_;  // guards everything below
    std::map<std::uint32_t, Segment> segments_;
    std::unordered_map<BlockId, Block> blocks_;
    std::set<std::uint32_t> unsynced_;  // segments appended to since their last sync
    std::uint64_t syncs_begun_ = 0;
    std::uint64_t syncs_ended_ = 0;  // the last of those that succeeded
    std::uint64_t slot_count_ = 0;
    std::uint64_t bytes_stored_ = 0;
    std::uint64_t damaged_ = 0;
    bool sync_failed_ = false;

    // Of the one thread that scrubs:
    std::vector<Living> to_scrub_;  // of one segment, from the back
    std::uint32_t scrubbed_ = 0;    // segments up to here are done
};

}  // namespace mutirao::storage
