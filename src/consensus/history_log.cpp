#include "consensus/history_log.hpp"

#include <optional>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kHead = 8;

Digest checksum(ByteSpan record) {
    return crypto::blake3_keyed(crypto::domain_key("history log"), record);
}

struct Part {
    std::uint64_t height = 0;
    ByteSpan bytes;
};

Result<Part> part_in(ByteSpan record) {
    Reader in(record);
    TRY(const auto height, in.u<std::uint64_t>());
    return Part{height, record.subspan(kHead)};
}

}  // namespace

void HistoryLog::enter(std::uint64_t height, std::uint32_t segment) {
    if (first_heights_.empty() || segment != last_segment_) first_heights_.push_back(height);
    last_segment_ = segment;
    last_height_ = height;
}

Result<std::unique_ptr<HistoryLog>> HistoryLog::open(Disk& disk, std::uint64_t last,
                                                     std::uint64_t segment_bytes) {
    std::unique_ptr<HistoryLog> log(new HistoryLog());
    std::optional<std::uint32_t> begun;
    std::optional<RecordLog::Place> too_far;
    const auto each = [&](ByteSpan record, RecordLog::Place place) -> Status {
        TRY(const auto part, part_in(record));
        if (!begun) begun = place.segment;
        if (part.height > last && !too_far) too_far = place;
        if (!too_far) log->enter(part.height, place.segment);
        return {};
    };
    const auto may_begin = [&](ByteSpan record, RecordLog::Place) -> Result<bool> {
        TRY(const auto part, part_in(record));
        return part.height <= last;
    };
    TRY(log->records_,
        RecordLog::open(disk, {"history.log", kHead + kPartMax, checksum, segment_bytes, true},
                        each, may_begin));
    if (too_far) TRY_VOID(log->records_->cut(*too_far));
    if (!begun) return log;
    // One whose first block cannot be read counts as beginning where the next does, so that the one
    // before it is forgotten later, not sooner.
    auto height = log->first_heights_.empty() ? last : log->first_heights_.front();
    for (auto segment = *begun; segment-- > log->records_->oldest();) {
        const auto first = log->records_->first(segment);
        if (!first.ok() && first.error().kind != ErrorKind::corrupt) return first.error();
        if (first.ok() && *first) {
            TRY(const auto part, part_in((*first)->record));
            height = part.height;
        }
        log->first_heights_.push_front(height);
    }
    return log;
}

Status HistoryLog::append(std::uint64_t height, ByteSpan part) {
    if (part.size() > kPartMax)
        return Error{ErrorKind::resource_exhausted, "block " + std::to_string(height) + " left " +
                                                        std::to_string(part.size()) +
                                                        " bytes in the history; at most " +
                                                        std::to_string(kPartMax) + " can be kept"};
    Writer record;
    record.u(height).raw(part);
    TRY(const auto place, records_->append(record.bytes()));
    enter(height, place.segment);
    return {};
}

// A segment's blocks are all below what the next one begins with.
Status HistoryLog::forget_below(std::uint64_t height) {
    while (first_heights_.size() > 1 && first_heights_[1] <= height) {
        TRY_VOID(records_->forget_oldest());
        first_heights_.pop_front();
    }
    return {};
}

Status HistoryLog::read(const Each& each) const {
    return records_->scan(0, [&](ByteSpan record, auto) -> Result<bool> {
        TRY(const auto part, part_in(record));
        TRY_VOID(each(part.height, part.bytes));
        return true;
    });
}

}  // namespace mutirao::consensus
