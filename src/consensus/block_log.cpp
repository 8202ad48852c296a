#include "consensus/block_log.hpp"

#include <optional>

#include "base/codec.hpp"
#include "base/ensure.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kBlockMax = kBlockBytesMax + 4 * kBlockTransactionsMax + 1024;
constexpr std::size_t kFindingsMax = 64 * kBlockTransactionsMax;
constexpr std::size_t kRecordMax = kBlockMax + kFindingsMax + 8;

Digest checksum(ByteSpan record) {
    return crypto::blake3_keyed(crypto::domain_key("block log"), record);
}

struct Logged {
    Block block;
    ByteSpan findings;
};

Result<Logged> decode(ByteSpan record) {
    Reader in(record);
    Logged out;
    TRY(const auto encoded, in.blob(kBlockMax));
    TRY(out.findings, in.blob(kFindingsMax));
    TRY_VOID(in.finish());
    TRY(out.block, Block::decode(encoded));
    return out;
}

}  // namespace

void BlockLog::enter(std::uint64_t height, std::uint32_t segment) {
    if (first_heights_.empty() || segment != last_segment_) first_heights_.push_back(height);
    last_segment_ = segment;
}

Result<std::unique_ptr<BlockLog>> BlockLog::open(Disk& disk, const Replay& replay,
                                                 std::uint64_t segment_bytes, std::uint64_t from) {
    std::unique_ptr<BlockLog> log(new BlockLog());
    std::optional<std::uint32_t> begun;
    const auto each = [&](ByteSpan record, RecordLog::Place place) -> Status {
        TRY(auto logged, decode(record));
        if (!begun) begun = place.segment;
        log->enter(logged.block.height, place.segment);
        return replay(std::move(logged.block), logged.findings);
    };
    const auto may_begin = [&](ByteSpan record, RecordLog::Place) -> Result<bool> {
        TRY(const auto logged, decode(record));
        return logged.block.height <= from;
    };
    TRY(log->records_, RecordLog::open(disk, {"blocks.log", kRecordMax, checksum, segment_bytes},
                                       each, may_begin));
    if (begun) TRY_VOID(log->enter_left_out(*begun));
    auto segment = log->records_->oldest();
    for (const auto height : log->first_heights_) log->opened_.push_back({height, segment++});
    return log;
}

Status BlockLog::enter_left_out(std::uint32_t end) {
    std::deque<std::uint64_t> heights;
    for (auto segment = records_->oldest(); segment < end; ++segment) {
        TRY(const auto first, records_->first(segment));
        if (!first)
            return Error{ErrorKind::corrupt,
                         "blocks.log is damaged: one of its files is empty; "
                         "restore it from a copy"};
        TRY(const auto logged, decode(first->record));
        heights.push_back(logged.block.height);
    }
    first_heights_.insert(first_heights_.begin(), heights.begin(), heights.end());
    return {};
}

Status BlockLog::read(std::uint64_t from, std::uint64_t last, const Each& each) const {
    std::uint32_t begin = 0;
    for (const auto& [height, segment] : opened_)
        if (height <= from) begin = segment;
    return records_->scan(begin, [&](ByteSpan record, auto) -> Result<bool> {
        TRY(const auto logged, decode(record));
        if (logged.block.height > last) return false;
        if (logged.block.height >= from) TRY_VOID(each(logged.block));
        return logged.block.height < last;
    });
}

Status BlockLog::append(const Block& block, ByteSpan findings) {
    ENSURE(findings.size() <= kFindingsMax, "findings over a block's limit");
    Writer record;
    record.blob(block.encode()).blob(findings);
    TRY(const auto place, records_->append(record.bytes()));
    enter(block.height, place.segment);
    return {};
}

// A segment's blocks are all below what the next one begins with.
Result<bool> BlockLog::forget_below(std::uint64_t height) {
    bool any = false;
    while (first_heights_.size() > 1 && first_heights_[1] <= height) {
        TRY_VOID(records_->forget_oldest());
        first_heights_.pop_front();
        any = true;
    }
    return any;
}

}  // namespace mutirao::consensus
