#include "storage/segment.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "block/row_marks.hpp"

namespace mutirao::storage {
namespace {

constexpr std::string_view kSegmentMagic = "MUTSEG02";
constexpr std::size_t kMagicWithoutVersion = 6;
constexpr std::string_view kSidecarMagic = "MUTIDX02";
constexpr std::string_view kRecordMagic = "MREC";
constexpr std::size_t kWindowSize = 64 << 10;
constexpr std::uint32_t kSidecarRecordsMax = 1 << 22;

using Check = std::array<std::uint8_t, kCheckSize>;

Check check_of(const crypto::Key& key, ByteSpan first, ByteSpan second = {}) {
    crypto::KeyedHasher hasher(key);
    const auto digest = hasher.update(first).update(second).digest();
    Check out;
    std::copy_n(digest.bytes.begin(), out.size(), out.begin());
    return out;
}

bool ends_with(ByteSpan bytes, const Check& check) {
    const auto end = bytes.last(check.size());
    return std::equal(end.begin(), end.end(), check.begin());
}

void write_fields(Writer& out, const RecordHeader& header) {
    out.u(static_cast<std::uint8_t>(header.kind)).raw(header.block.span());
    out.u(header.slot).u(header.rows).u(header.payload_size);
}

// corrupt for what no record has.
Result<RecordHeader> read_fields(Reader& in) {
    RecordHeader out;
    TRY(auto kind, in.u<std::uint8_t>());
    out.kind = static_cast<RecordKind>(kind);
    TRY(out.block, in.fixed<BlockId>());
    TRY(out.slot, in.u<std::uint32_t>());
    TRY(out.rows, in.u<std::uint16_t>());
    TRY(out.payload_size, in.u<std::uint32_t>());
    const bool is_slot = out.kind == RecordKind::slot;
    const std::size_t digests = std::size_t{out.rows} * Digest::kSize;
    const bool whole_rows =
        out.rows == 0 || (out.payload_size > digests &&
                          (out.payload_size - digests) % (out.rows * kRowMultiple) == 0);
    if (kind < 1 || kind > 3 || out.payload_size > kPayloadSizeMax || !whole_rows ||
        (!is_slot && (out.slot != 0 || out.rows != 0)) ||
        (out.kind == RecordKind::drop && out.payload_size != 0))
        return Error{ErrorKind::corrupt, "no record has such a header"};
    return out;
}

Bytes encode_record_header(const RecordHeader& header, const crypto::Key& key) {
    Writer out;
    out.raw(as_bytes(kRecordMagic));
    write_fields(out, header);
    const auto check = check_of(key, out.bytes());
    out.raw(check);
    return std::move(out).take();
}

// Looks for record magics in a file through a window, so that bytes made of nothing else cost no
// more than others.
class MagicSearch {
  public:
    explicit MagicSearch(const File& file) : file_(file), size_(file.size()) {}

    // Offset of the next magic at or after `from`, or the file's end.
    Result<std::uint64_t> next(std::uint64_t from) {
        while (from + kRecordMagic.size() <= size_) {
            if (from < start_ || from + kRecordMagic.size() > start_ + window_.size()) {
                window_.resize(std::min<std::uint64_t>(kWindowSize, size_ - from));
                start_ = from;
                TRY_VOID(file_.read(start_, window_));
            }
            const auto at = as_text(window_).find(kRecordMagic, from - start_);
            if (at != std::string_view::npos) return start_ + at;
            // The magic may straddle two windows.
            from = start_ + window_.size() - (kRecordMagic.size() - 1);
        }
        return size_;
    }

  private:
    const File& file_;
    const std::uint64_t size_;
    std::uint64_t start_ = 0;
    Bytes window_;
};

}  // namespace

Bytes encode_segment_header(std::uint32_t number, const crypto::Key& key) {
    Writer out;
    out.raw(as_bytes(kSegmentMagic)).u(number).raw(key.span());
    const auto check = check_of(key, out.bytes());
    out.raw(check);
    return std::move(out).take();
}

Result<crypto::Key> decode_segment_header(ByteSpan bytes) {
    Reader in(bytes);
    TRY(auto magic, in.raw(kSegmentMagic.size()));
    TRY(auto number, in.u<std::uint32_t>());
    TRY(auto key, in.fixed<crypto::Key>());
    TRY(auto check, in.raw(kCheckSize));
    TRY_VOID(in.finish());
    // The check is the same in all versions, so this is no damage.
    const bool sound = ends_with(check, check_of(key, bytes.first(bytes.size() - kCheckSize)));
    if (sound && as_text(magic) != kSegmentMagic &&
        as_text(magic).starts_with(kSegmentMagic.substr(0, kMagicWithoutVersion)))
        return Error{ErrorKind::unimplemented,
                     "the stored segments are of version " +
                         std::string(as_text(magic).substr(kMagicWithoutVersion)) +
                         " of their format, and this program reads version " +
                         std::string(kSegmentMagic.substr(kMagicWithoutVersion)) +
                         "; start with an empty folder and store the data again"};
    if (as_text(magic) != kSegmentMagic || !sound)
        return Error{ErrorKind::corrupt,
                     "the header of segment " + std::to_string(number) + " is damaged"};
    return key;
}

Bytes encode_record(const RecordHeader& header, ByteSpan payload, const crypto::Key& key) {
    ENSURE(payload.size() == header.payload_size && payload.size() <= kPayloadSizeMax);
    const auto head = encode_record_header(header, key);
    const auto check = check_of(key, head, payload);
    Bytes out;
    out.reserve(header.record_size());
    out.insert(out.end(), head.begin(), head.end());
    out.insert(out.end(), payload.begin(), payload.end());
    out.insert(out.end(), check.begin(), check.end());
    return out;
}

std::optional<RecordHeader> decode_record_header(ByteSpan bytes, const crypto::Key& key) {
    if (bytes.size() != kRecordHeaderSize || !as_text(bytes).starts_with(kRecordMagic) ||
        !ends_with(bytes, check_of(key, bytes.first(bytes.size() - kCheckSize))))
        return std::nullopt;
    // The check holds, so these bytes are what encode_record wrote, if by another version.
    Reader in(bytes.subspan(kRecordMagic.size()));
    auto fields = read_fields(in);
    return fields.ok() ? std::optional(*fields) : std::nullopt;
}

RecordEnds encode_record_ends(const RecordHeader& header, std::span<const Digest> digests,
                              const crypto::Key& key) {
    RecordEnds out;
    out.front = encode_record_header(header, key);
    const auto head = out.front.size();
    for (const auto& digest : digests)
        out.front.insert(out.front.end(), digest.bytes.begin(), digest.bytes.end());
    const auto check =
        check_of(key, ByteSpan(out.front).first(head), ByteSpan(out.front).subspan(head));
    out.back.assign(check.begin(), check.end());
    return out;
}

namespace {

// Whether the rows behind the digests are those.
bool rows_match(const RecordHeader& header, ByteSpan payload) {
    const std::size_t digests = std::size_t{header.rows} * Digest::kSize;
    const std::size_t row_size = (payload.size() - digests) / header.rows;
    std::vector<ByteSpan> rows;
    for (std::size_t at = digests; at < payload.size(); at += row_size)
        rows.push_back(payload.subspan(at, row_size));
    const auto found = block::digest_rows(rows);
    for (std::size_t i = 0; i < found.size(); ++i)
        if (!std::equal(found[i].bytes.begin(), found[i].bytes.end(),
                        payload.begin() + static_cast<std::ptrdiff_t>(i * Digest::kSize)))
            return false;
    return true;
}

}  // namespace

Result<Bytes> read_payload(const File& file, std::uint64_t offset, const RecordHeader& header,
                           const crypto::Key& key) {
    Bytes bytes(header.payload_size + kCheckSize);
    TRY_VOID(file.read(offset + kRecordHeaderSize, bytes));
    const auto payload = ByteSpan(bytes).first(header.payload_size);
    const auto checked =
        header.rows == 0 ? payload : payload.first(std::size_t{header.rows} * Digest::kSize);
    if (!ends_with(bytes, check_of(key, encode_record_header(header, key), checked)) ||
        (header.rows != 0 && !rows_match(header, payload)))
        return Error{ErrorKind::corrupt,
                     "the record at byte " + std::to_string(offset) + " of its segment is damaged"};
    bytes.resize(header.payload_size);
    return bytes;
}

Bytes Sidecar::encode(const crypto::Key& key) const {
    Writer out;
    out.raw(as_bytes(kSidecarMagic)).u(segment).u(segment_size);
    out.u(static_cast<std::uint32_t>(records.size()));
    for (const auto& record : records) {
        out.u(record.offset);
        write_fields(out, record.header);
    }
    const auto check = check_of(key, out.bytes());
    out.raw(check);
    return std::move(out).take();
}

Result<Sidecar> Sidecar::decode(ByteSpan bytes, const crypto::Key& key) {
    const Error damaged{ErrorKind::corrupt, "the index of a segment is damaged"};
    if (bytes.size() < kSidecarMagic.size() + kCheckSize ||
        !as_text(bytes).starts_with(kSidecarMagic) ||
        !ends_with(bytes, check_of(key, bytes.first(bytes.size() - kCheckSize))))
        return damaged;
    Reader in(bytes.subspan(kSidecarMagic.size())
                  .first(bytes.size() - kSidecarMagic.size() - kCheckSize));
    Sidecar out;
    TRY(out.segment, in.u<std::uint32_t>());
    TRY(out.segment_size, in.u<std::uint64_t>());
    TRY(auto count, in.u<std::uint32_t>());
    if (count > kSidecarRecordsMax) return damaged;
    for (std::uint32_t i = 0; i < count; ++i) {
        PlacedRecord record;
        TRY(record.offset, in.u<std::uint64_t>());
        TRY(record.header, read_fields(in));
        const auto size = record.header.record_size();
        if (record.offset < kSegmentHeaderSize || size > out.segment_size ||
            record.offset > out.segment_size - size)
            return damaged;
        out.records.push_back(record);
    }
    TRY_VOID(in.finish());
    return out;
}

Result<Scan> scan_segment(
    const File& file, const crypto::Key& key,
    const std::function<void(std::uint64_t offset, const RecordHeader& header)>& found) {
    const std::uint64_t size = file.size();
    MagicSearch magics(file);
    Scan scan;
    std::uint64_t offset = std::min<std::uint64_t>(kSegmentHeaderSize, size);
    scan.end = offset;
    Bytes head(kRecordHeaderSize);
    while (offset + kRecordHeaderSize + kCheckSize <= size) {
        TRY_VOID(file.read(offset, head));
        const auto header = decode_record_header(head, key);
        if (header && header->record_size() <= size - offset) {
            const auto payload = read_payload(file, offset, *header, key);
            if (!payload.ok() && payload.error().kind != ErrorKind::corrupt)
                return Error(payload.error());
            if (offset > scan.end) ++scan.damaged;  // what lies between belongs to no record
            scan.end = std::max(scan.end, offset + header->record_size());
            if (payload.ok()) {
                ++scan.records;
                found(offset, *header);
                offset += header->record_size();
                continue;
            }
            ++scan.damaged;
        }
        // Also after a damaged payload: should it have been overwritten, records may begin inside.
        TRY(offset, magics.next(offset + 1));
    }
    return scan;
}

}  // namespace mutirao::storage
