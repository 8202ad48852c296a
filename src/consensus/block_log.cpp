#include "consensus/block_log.hpp"

#include <optional>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kFrameCheckSize = 8;
constexpr std::size_t kFrameSize = 4 + Digest::kSize + kFrameCheckSize;
// Beside the transactions' bytes: a length for each, and the header.
constexpr std::size_t kRecordMax = kBlockBytesMax + 4 * kBlockTransactionsMax + 1024;

Digest checksum(ByteSpan record) {
    return crypto::blake3_keyed(crypto::domain_key("block log"), record);
}

struct Frame {
    std::uint32_t size = 0;
    Digest checksum;

    Bytes encode() const {
        Writer out;
        out.u(size).raw(checksum.span());
        out.raw(mutirao::consensus::checksum(out.bytes()).span().first(kFrameCheckSize));
        return std::move(out).take();
    }
    // nullopt unless encode() wrote these kFrameSize bytes.
    static std::optional<Frame> decode(ByteSpan bytes) {
        Reader in(bytes);
        Frame out{in.u<std::uint32_t>().value(), in.fixed<Digest>().value()};
        if (out.size > kRecordMax || out.encode() != to_bytes(bytes)) return std::nullopt;
        return out;
    }
};

// Whether a frame follows somewhere after a bad one: then the bad one is no torn end.
Result<bool> frame_follows(const File& file, std::uint64_t at) {
    const std::uint64_t left = file.size() - at;
    if (left > kFrameSize + kRecordMax) return true;  // more than one torn record can leave
    Bytes rest(left);
    TRY_VOID(file.read(at, rest));
    for (std::size_t i = 1; i + kFrameSize <= rest.size(); ++i)
        if (Frame::decode(ByteSpan(rest).subspan(i, kFrameSize))) return true;
    return false;
}

Error damaged(std::uint64_t at) {
    return {ErrorKind::corrupt,
            "blocks.log is damaged at byte " + std::to_string(at) + "; restore it from a copy"};
}

}  // namespace

Result<std::unique_ptr<BlockLog>> BlockLog::open(
    Disk& disk, const std::function<Status(const Block&)>& replay) {
    TRY(auto file, disk.open("blocks.log"));
    std::unique_ptr<BlockLog> log(new BlockLog(std::move(file)));
    const std::uint64_t end = log->file_->size();
    std::uint64_t at = 0;
    while (end - at >= kFrameSize) {
        Bytes head(kFrameSize);
        TRY_VOID(log->file_->read(at, head));
        const auto frame = Frame::decode(head);
        if (!frame) {
            TRY(auto more, frame_follows(*log->file_, at));
            if (more) return damaged(at);
            break;
        }
        if (frame->size > end - at - kFrameSize) break;
        Bytes record(frame->size);
        TRY_VOID(log->file_->read(at + kFrameSize, record));
        if (checksum(record) != frame->checksum) {
            if (at + kFrameSize + frame->size == end) break;
            return damaged(at);
        }
        TRY(auto block, Block::decode(record));
        TRY_VOID(replay(block));
        at += kFrameSize + frame->size;
    }
    if (at != end) TRY_VOID(log->file_->truncate(at));
    return log;
}

Status BlockLog::append(const Block& block) {
    if (broken_) return Error{ErrorKind::io, "blocks.log ends in half a block; restart the ledger"};
    const auto record = block.encode();
    ENSURE(record.size() <= kRecordMax, "a block over its limits");
    Writer out;
    out.raw(Frame{static_cast<std::uint32_t>(record.size()), checksum(record)}.encode());
    out.raw(record);
    const auto before = file_->size();
    if (auto written = file_->append(out.bytes()); !written.ok()) {
        broken_ = !file_->truncate(before).ok();
        return written;
    }
    return {};
}

}  // namespace mutirao::consensus
