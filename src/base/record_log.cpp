#include "base/record_log.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/codec.hpp"
#include "base/ensure.hpp"

namespace mutirao {
namespace {

constexpr std::size_t kCheckSize = 8;
constexpr std::size_t kFrameSize = 4 + Digest::kSize + kCheckSize;

}  // namespace

struct RecordLog::Frame {
    std::uint32_t size = 0;
    Digest checksum;

    static Bytes encode(const Shape& shape, ByteSpan record) {
        Writer out;
        out.u(static_cast<std::uint32_t>(record.size())).raw(shape.checksum(record).span());
        out.raw(shape.checksum(out.bytes()).span().first(kCheckSize));
        return std::move(out).take();
    }
    // nullopt unless encode() wrote these kFrameSize bytes.
    static std::optional<Frame> decode(const Shape& shape, ByteSpan bytes) {
        Reader in(bytes);
        Frame out{in.u<std::uint32_t>().value(), in.fixed<Digest>().value()};
        if (out.size > shape.record_max) return std::nullopt;
        const auto expected = shape.checksum(bytes.first(kFrameSize - kCheckSize));
        const auto check = bytes.last(kCheckSize);
        if (!std::equal(check.begin(), check.end(), expected.bytes.begin())) return std::nullopt;
        return out;
    }
};

std::string RecordLog::path(std::uint32_t number) const {
    return number == 0 ? shape_.name : shape_.name + "." + std::to_string(number);
}

Error RecordLog::damaged(const Segment& segment, std::uint64_t at) const {
    return {ErrorKind::corrupt, path(segment.number) + " is damaged at byte " + std::to_string(at) +
                                    "; restore it from a copy"};
}

Status RecordLog::enter_segment(std::uint32_t number) {
    TRY(auto file, disk_.open(path(number)));
    const auto size = file->size();
    const std::lock_guard lock(mutex_);
    segments_.push_back({number, std::move(file), size});
    return {};
}

Status RecordLog::open_segments() {
    const auto slash = shape_.name.rfind('/');
    const auto folder = slash == std::string::npos ? "" : shape_.name.substr(0, slash);
    const auto base = slash == std::string::npos ? shape_.name : shape_.name.substr(slash + 1);
    TRY(const auto names, disk_.list(folder));
    std::vector<std::uint32_t> numbers;
    for (const auto& name : names) {
        if (name == base) numbers.push_back(0);
        if (!name.starts_with(base + ".")) continue;
        std::uint32_t number = 0;
        const auto* end = name.data() + name.size();
        const auto read = std::from_chars(name.data() + base.size() + 1, end, number);
        if (read.ec == std::errc() && read.ptr == end && number != 0) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    if (numbers.empty()) numbers.push_back(0);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (numbers[i] != numbers[0] + i)
            return Error{ErrorKind::corrupt, path(numbers[i] - 1) +
                                                 " is missing, and what came after it is "
                                                 "there; restore it from a copy"};
        TRY_VOID(enter_segment(numbers[i]));
    }
    return {};
}

Result<std::unique_ptr<RecordLog>> RecordLog::open(Disk& disk, Shape shape, const Each& each) {
    return open(disk, std::move(shape), each, nullptr);
}

Result<std::unique_ptr<RecordLog>> RecordLog::open(Disk& disk, Shape shape, const Each& each,
                                                   const MayBegin& may_begin) {
    std::unique_ptr<RecordLog> log(new RecordLog(disk, std::move(shape)));
    TRY_VOID(log->open_segments());
    auto begin = may_begin ? log->newest() : log->oldest();
    for (; begin > log->oldest(); --begin) {
        const auto first = log->first(begin);
        if (!first.ok() && !(log->shape_.cut_damage && first.error().kind == ErrorKind::corrupt))
            return first.error();
        if (!first.ok() || !*first) continue;
        TRY(const auto may, may_begin((*first)->record, (*first)->place));
        if (may) break;
    }
    for (; begin <= log->newest(); ++begin) TRY_VOID(log->read_whole(begin, each));
    return log;
}

// Whether a frame follows somewhere after a bad one: then the bad one is no torn end.
Result<bool> RecordLog::frame_follows(const File& file, std::uint64_t at, std::uint64_t end) const {
    const std::uint64_t left = end - at;
    if (left > kFrameSize + shape_.record_max) return true;  // more than one torn record can leave
    Bytes rest(left);
    TRY_VOID(file.read(at, rest));
    for (std::size_t i = 1; i + kFrameSize <= rest.size(); ++i)
        if (Frame::decode(shape_, ByteSpan(rest).subspan(i, kFrameSize))) return true;
    return false;
}

Result<RecordLog::End> RecordLog::read_segment(const Segment& segment, const Visit& visit) const {
    const auto& file = *segment.file;
    End end;
    auto& at = end.at;
    while (segment.size - at >= kFrameSize) {
        Bytes head(kFrameSize);
        TRY_VOID(file.read(at, head));
        const auto frame = Frame::decode(shape_, head);
        if (!frame) {
            TRY(end.damaged, frame_follows(file, at, segment.size));
            break;
        }
        if (frame->size > segment.size - at - kFrameSize) break;
        Bytes record(frame->size);
        TRY_VOID(file.read(at + kFrameSize, record));
        if (shape_.checksum(record) != frame->checksum) {
            end.damaged = at + kFrameSize + frame->size != segment.size;
            break;
        }
        TRY(const auto more, visit(record, {segment.number, frame->size, at + kFrameSize}));
        end.stopped = !more;
        if (end.stopped) break;
        at += kFrameSize + frame->size;
    }
    return end;
}

Status RecordLog::read_whole(std::uint32_t number, const Each& each) {
    const auto segment = segments_[number - oldest()];
    TRY(const auto end, read_segment(segment, [&](ByteSpan record, Place place) -> Result<bool> {
            TRY_VOID(each(record, place));
            return true;
        }));
    if (!end.damaged && end.at == segment.size) return {};
    // A segment is synced before the next begins.
    const bool torn = !end.damaged && number == newest();
    if (!torn && !shape_.cut_damage) return damaged(segment, end.at);
    return cut_at(number, end.at);
}

Status RecordLog::scan(std::uint32_t from, const Visit& visit) const {
    std::deque<Segment> segments;
    {
        const std::lock_guard lock(mutex_);
        segments = segments_;
    }
    for (const auto& segment : segments) {
        if (segment.number < from) continue;
        TRY(const auto end, read_segment(segment, visit));
        if (end.stopped) return {};
        if (end.damaged || end.at != segment.size) return damaged(segment, end.at);
    }
    return {};
}

Result<std::optional<RecordLog::First>> RecordLog::first(std::uint32_t number) const {
    std::optional<Segment> segment;
    {
        const std::lock_guard lock(mutex_);
        if (number >= oldest() && number <= newest()) segment = segments_[number - oldest()];
    }
    std::optional<First> out;
    if (!segment) return out;
    TRY(const auto end, read_segment(*segment, [&](ByteSpan record, Place place) -> Result<bool> {
            out = First{to_bytes(record), place};
            return false;
        }));
    if (end.damaged) return damaged(*segment, end.at);
    return out;
}

Result<RecordLog::Place> RecordLog::append(ByteSpan record) {
    ENSURE(record.size() <= shape_.record_max, "a record over its log's limit");
    if (broken_)
        return Error{ErrorKind::io, "an earlier write to " + path(newest()) +
                                        " failed, and may be there in part; restart the node"};
    if (segments_.back().file->size() >= shape_.segment_bytes) {
        TRY_VOID(sync());
        TRY_VOID(enter_segment(newest() + 1));
    }
    auto& file = *segments_.back().file;
    const auto before = file.size();
    const auto frame = Frame::encode(shape_, record);
    const ByteSpan pieces[] = {frame, record};
    if (auto written = file.append_pieces(pieces); !written.ok()) {
        broken_ = !file.truncate(before).ok();
        return std::move(written).error();
    }
    return Place{newest(), static_cast<std::uint32_t>(record.size()), before + frame.size()};
}

Status RecordLog::sync() {
    auto done = segments_.back().file->sync();
    if (!done.ok()) broken_ = true;
    return done;
}

Result<Bytes> RecordLog::read(Place place) const {
    std::shared_ptr<File> file;
    {
        const std::lock_guard lock(mutex_);
        if (place.segment >= oldest() && place.segment <= newest())
            file = segments_[place.segment - oldest()].file;
    }
    if (file == nullptr)
        return Error{ErrorKind::not_found, "what was in " + path(place.segment) + " is forgotten"};
    Bytes record(place.size);
    TRY_VOID(file->read(place.offset, record));
    return record;
}

std::uint64_t RecordLog::bytes() const {
    std::uint64_t out = 0;
    for (const auto& segment : segments_) out += segment.file->size();
    return out;
}

Status RecordLog::forget_oldest() {
    ENSURE(segments_.size() > 1, "the newest segment is never forgotten");
    TRY_VOID(disk_.remove(path(oldest())));
    const std::lock_guard lock(mutex_);
    segments_.pop_front();
    return {};
}

Status RecordLog::cut(Place from) { return cut_at(from.segment, from.offset - kFrameSize); }

// The newest first, so that none is ever missing in between.
Status RecordLog::cut_at(std::uint32_t number, std::uint64_t end) {
    while (newest() > number) {
        TRY_VOID(disk_.remove(path(newest())));
        const std::lock_guard lock(mutex_);
        segments_.pop_back();
    }
    TRY_VOID(segments_.back().file->truncate(end));
    const std::lock_guard lock(mutex_);
    segments_.back().size = std::min(segments_.back().size, end);
    return {};
}

}  // namespace mutirao
