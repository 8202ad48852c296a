#include "storage/segment.hpp"

#include <algorithm>

#include "base/codec.hpp"

namespace mutirao::storage {
namespace {

constexpr std::string_view kSegmentMagic = "MUTSEG01";
constexpr std::string_view kRecordMagic = "MREC";
constexpr std::size_t kWindowSize = 64 << 10;

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

Bytes encode_record_header(const RecordHeader& header, const crypto::Key& key) {
    Writer out;
    out.raw(as_bytes(kRecordMagic)).u(static_cast<std::uint8_t>(header.kind));
    out.raw(header.block.span()).u(header.slot).u(header.payload_size);
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
    if (as_text(magic) != kSegmentMagic ||
        !ends_with(check, check_of(key, bytes.first(bytes.size() - kCheckSize))))
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
    RecordHeader out;
    const auto kind = in.u<std::uint8_t>().value();
    out.kind = static_cast<RecordKind>(kind);
    out.block = in.fixed<BlockId>().value();
    out.slot = in.u<std::uint32_t>().value();
    out.payload_size = in.u<std::uint32_t>().value();
    const bool known_kind = kind >= 1 && kind <= 3;
    if (!known_kind || out.payload_size > kPayloadSizeMax ||
        (out.kind != RecordKind::slot && out.slot != 0) ||
        (out.kind == RecordKind::drop && out.payload_size != 0))
        return std::nullopt;
    return out;
}

Result<Bytes> read_payload(const File& file, std::uint64_t offset, const RecordHeader& header,
                           const crypto::Key& key) {
    Bytes bytes(header.payload_size + kCheckSize);
    TRY_VOID(file.read(offset + kRecordHeaderSize, bytes));
    const auto payload = ByteSpan(bytes).first(header.payload_size);
    if (!ends_with(bytes, check_of(key, encode_record_header(header, key), payload)))
        return Error{ErrorKind::corrupt,
                     "the record at byte " + std::to_string(offset) + " of its segment is damaged"};
    bytes.resize(header.payload_size);
    return bytes;
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
