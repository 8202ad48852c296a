#include "consensus/block_log.hpp"

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kFrameSize = 4 + Digest::kSize;
constexpr std::size_t kRecordMax = kBlockBytesMax + (64 << 10);

Digest checksum(ByteSpan record) {
    return crypto::blake3_keyed(crypto::domain_key("block log"), record);
}

}  // namespace

Result<std::unique_ptr<BlockLog>> BlockLog::open(
    Disk& disk, const std::function<Status(const Block&)>& replay) {
    TRY(auto file, disk.open("blocks.log"));
    std::unique_ptr<BlockLog> log(new BlockLog(std::move(file)));
    const std::uint64_t end = log->file_->size();
    std::uint64_t at = 0;
    while (end - at >= kFrameSize) {
        Bytes frame(kFrameSize);
        TRY_VOID(log->file_->read(at, frame));
        Reader in(frame);
        TRY(auto size, in.u<std::uint32_t>());
        TRY(auto expected, in.fixed<Digest>());
        if (size > kRecordMax || size > end - at - kFrameSize) break;
        Bytes record(size);
        TRY_VOID(log->file_->read(at + kFrameSize, record));
        if (checksum(record) != expected) {
            if (at + kFrameSize + size == end) break;
            return Error{ErrorKind::corrupt, "blocks.log is damaged at byte " + std::to_string(at) +
                                                 "; restore it from a copy"};
        }
        TRY(auto block, Block::decode(record));
        TRY_VOID(replay(block));
        at += kFrameSize + size;
    }
    if (at != end) TRY_VOID(log->file_->truncate(at));
    return log;
}

Status BlockLog::append(const Block& block) {
    const auto record = block.encode();
    Writer out;
    out.u(static_cast<std::uint32_t>(record.size())).raw(checksum(record).span()).raw(record);
    const auto before = file_->size();
    if (auto written = file_->append(out.bytes()); !written.ok()) {
        TRY_VOID(file_->truncate(before));
        return written;
    }
    return {};
}

}  // namespace mutirao::consensus
