// The bytes of a segment: an append-only file of records that can be read again after any crash.
//
//   segment  "MUTSEG02" | number u32 | checksum key (32) | check (16)        then records
//   record   "MREC" | kind u8 | block id (32) | slot u32 | rows u16 | payload size u32 | check (16)
//            | payload | check (16)
//   sidecar  "MUTIDX02" | segment number u32 | segment size u64 | count u32
//            | for each record: offset u64 and its header's kind, block, slot, rows, payload size
//            | check (16)
//
// All numbers are little-endian. Every check is the front of a keyed BLAKE3 hash under the store's
// own random checksum key: whoever chooses the payload cannot put something in it that a scan would
// take for a record. The payload's check covers the record header too. A payload with `rows` is
// that many row digests and then the rows: the check covers the digests only, as they cover the
// rows, which a node has hashed already when it stores them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "crypto/hash.hpp"

namespace mutirao::storage {

inline constexpr std::uint32_t kPayloadSizeMax = 1 << 20;
inline constexpr std::size_t kRowMultiple = 128;  // bytes of a row: a multiple of it
inline constexpr std::size_t kCheckSize = 16;
inline constexpr std::size_t kSegmentHeaderSize = 8 + 4 + 32 + kCheckSize;
inline constexpr std::size_t kRecordHeaderSize = 4 + 1 + 32 + 4 + 2 + 4 + kCheckSize;

enum class RecordKind : std::uint8_t { statement = 1, slot = 2, drop = 3 };

struct RecordHeader {
    RecordKind kind = RecordKind::statement;
    BlockId block;
    std::uint32_t slot = 0;  // zero unless kind is slot
    std::uint16_t rows = 0;  // whose digests the payload begins with; zero unless kind is slot
    std::uint32_t payload_size = 0;

    std::uint64_t record_size() const { return kRecordHeaderSize + payload_size + kCheckSize; }
    bool operator==(const RecordHeader&) const = default;
};

Bytes encode_segment_header(std::uint32_t number, const crypto::Key& key);
// The checksum key that a segment's header holds; corrupt when the header is damaged, unimplemented
// when it is that of another version of the format.
Result<crypto::Key> decode_segment_header(ByteSpan bytes);

// A whole record: header, payload, check. Without rows.
Bytes encode_record(const RecordHeader& header, ByteSpan payload, const crypto::Key& key);
// What stands before the rows of a slot's record, and behind them.
struct RecordEnds {
    Bytes front;  // header, digests
    Bytes back;   // check
};
RecordEnds encode_record_ends(const RecordHeader& header, std::span<const Digest> digests,
                              const crypto::Key& key);
// Nothing when the kRecordHeaderSize bytes are no undamaged header under this key.
std::optional<RecordHeader> decode_record_header(ByteSpan bytes, const crypto::Key& key);
// Reads and checks the payload of the record at `offset`, rows included. corrupt when it is
// damaged.
Result<Bytes> read_payload(const File& file, std::uint64_t offset, const RecordHeader& header,
                           const crypto::Key& key);

struct PlacedRecord {
    std::uint64_t offset = 0;  // in its segment
    RecordHeader header;
};

// What is known of a segment that takes no more records: it need not be scanned again.
struct Sidecar {
    std::uint32_t segment = 0;
    std::uint64_t segment_size = 0;
    std::vector<PlacedRecord> records;  // undamaged ones, in order

    Bytes encode(const crypto::Key& key) const;
    // corrupt on anything that encode() under this key would not have written, or with a record
    // outside of the segment.
    static Result<Sidecar> decode(ByteSpan bytes, const crypto::Key& key);
};

struct Scan {
    std::uint64_t records = 0;
    std::uint64_t damaged = 0;  // places where bytes between two records, or a payload, are damaged
    std::uint64_t end = 0;      // first byte after the last whole record: what follows was torn
};

// Calls `found` for every undamaged record, in order. After damage it goes on at the next byte that
// begins a valid header. Reads the file once; memory: one payload. io when the disk cannot read.
Result<Scan> scan_segment(
    const File& file, const crypto::Key& key,
    const std::function<void(std::uint64_t offset, const RecordHeader& header)>& found);

}  // namespace mutirao::storage
