// The part of FragmentStore that looks after what is stored: scrubbing and compaction.
#include <algorithm>

#include "storage/fragment_store.hpp"

namespace mutirao::storage {

std::vector<FragmentStore::Living> FragmentStore::living_in(std::uint32_t segment) const {
    const std::lock_guard lock(mutex_);
    std::vector<Living> out;
    const auto add = [&](RecordKind kind, const BlockId& id, const Place& place) {
        if (place.segment == segment)
            out.push_back({{kind, id, place.slot, static_cast<std::uint16_t>(place.rows),
                            static_cast<std::uint32_t>(place.payload_size)},
                           place});
    };
    for (const auto& [id, block] : blocks_) {
        if (block.statement) add(RecordKind::statement, id, *block.statement);
        for (const auto& place : block.slots) add(RecordKind::slot, id, place);
    }
    // From the back: what is looked at first lies first.
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return a.place.offset > b.place.offset; });
    return out;
}

Result<ScrubStep> FragmentStore::scrub_some(std::uint64_t bytes_max) {
    ScrubStep step;
    const auto before = damaged();
    while (step.bytes < bytes_max) {
        if (to_scrub_.empty()) {
            std::optional<std::uint32_t> next;
            {
                const std::lock_guard lock(mutex_);
                if (const auto at = segments_.upper_bound(scrubbed_); at != segments_.end())
                    next = at->first;
            }
            scrubbed_ = next.value_or(0);
            step.finished = !next;
            if (!next) break;
            to_scrub_ = living_in(*next);
            continue;
        }
        const auto record = to_scrub_.back();
        to_scrub_.pop_back();
        step.bytes += record.header.record_size();
        const auto& header = record.header;
        auto payload = read(header.kind, header.block, header.slot);
        // Dropped since, or found damaged and taken out: either way it is dealt with.
        if (!payload.ok() && payload.error().kind == ErrorKind::io)
            return std::move(payload).error();
    }
    step.damaged = damaged() - before;
    return step;
}

// Of the segments of which less than half lives, the one with least to move: on a disk that is
// nearly full it is the one that fits, and makes room for the others. Not one with a drop record
// that still keeps others dead and cannot be written once more, as its block was put again since.
std::optional<std::uint32_t> FragmentStore::next_to_compact() {
    const std::lock_guard lock(mutex_);
    std::optional<std::uint32_t> best;
    for (const auto& [number, segment] : segments_) {
        if (number == segments_.rbegin()->first) continue;
        if (best && segments_.at(*best).living_bytes <= segment.living_bytes) continue;
        if (2 * segment.living_bytes >= segment.size) continue;
        const auto first = number;
        const bool stuck =
            std::any_of(segment.drops.begin(), segment.drops.end(), [&](const auto& drop) {
                return lives(drop.first) && keeps_others_dead(first, drop.second);
            });
        if (!stuck) best = number;
    }
    return best;
}

// Writes the drop records that keep records of other segments dead once more.
Status FragmentStore::carry_drops(std::uint32_t segment) {
    const std::lock_guard one_at_a_time(append_mutex_);
    std::map<BlockId, std::set<std::uint32_t>> drops;
    {
        const std::lock_guard lock(mutex_);
        TRY_VOID(usable());
        for (const auto& [block, keeps_dead] : segments_.at(segment).drops)
            if (!lives(block) && keeps_others_dead(segment, keeps_dead))
                drops.emplace(block, keeps_dead);
    }
    for (const auto& [block, keeps_dead] : drops) {
        const RecordHeader header{RecordKind::drop, block, 0, 0, 0};
        const auto record = encode_record(header, {}, key_);
        TRY_VOID(write({{header, {record}}}));
        const std::lock_guard lock(mutex_);
        segments_.rbegin()->second.drops[block].insert(keeps_dead.begin(), keeps_dead.end());
        segments_.at(segment).drops.erase(block);
        segments_.at(segment).needs_syncs = syncs_begun_ + 1;
    }
    return {};
}

// Appends the record once more and lets the index point there.
Status FragmentStore::move(const Living& record) {
    const auto& [header, place] = record;
    const std::lock_guard one_at_a_time(append_mutex_);
    std::shared_ptr<File> from, to;
    std::uint32_t number = 0;
    std::uint64_t offset = 0;
    {
        const std::lock_guard lock(mutex_);
        TRY_VOID(usable());
        const auto* now = place_of(header.kind, header.block, header.slot);
        if (now == nullptr || *now != place) return {};  // dropped since
        from = segments_.at(place.segment).file;
        TRY(number, segment_with_room(header.record_size()));
        to = segments_.at(number).file;
        offset = segments_.at(number).size;
        unsynced_.insert(number);
    }
    Bytes bytes(header.record_size());
    TRY_VOID(from->read(place.offset, bytes));
    auto written = to->append(bytes);
    const std::lock_guard lock(mutex_);
    auto& segment = segments_.at(number);
    if (!written.ok()) {
        if (!to->truncate(offset).ok()) segment.closed = true;
        return written;
    }
    unsynced_.insert(number);
    segment.records.push_back({segment.size, header});
    const Place moved(segment.size, number, header);
    segment.size += header.record_size();
    auto* const now = place_of(header.kind, header.block, header.slot);
    if (now == nullptr || *now != place) return {};
    release(place);
    segments_.at(place.segment).needs_syncs = syncs_begun_ + 1;
    *now = moved;
    hold(moved);
    auto& segments = blocks_.at(header.block).segments;
    const auto in = std::lower_bound(segments.begin(), segments.end(), number);
    if (in == segments.end() || *in != number) segments.insert(in, number);
    return {};
}

Result<CompactionStep> FragmentStore::compact_some(std::uint64_t bytes_max) {
    CompactionStep step;
    while (step.bytes < bytes_max) {
        const auto number = next_to_compact();
        step.finished = !number;
        if (!number) break;
        auto living = living_in(*number);
        Status status;
        while (!living.empty() && step.bytes < bytes_max && status.ok()) {
            // A damaged record is not carried on: reading it takes it out.
            const auto& header = living.back().header;
            const auto payload = read(header.kind, header.block, header.slot);
            if (payload.ok()) status = move(living.back());
            if (!payload.ok() && payload.error().kind == ErrorKind::io) status = payload.error();
            step.bytes += header.record_size();
            living.pop_back();
        }
        if (living.empty() && status.ok()) status = carry_drops(*number);
        // What was moved must be safe before its first place goes.
        if (status.ok()) status = sync();
        TRY_VOID(status);
        const std::lock_guard lock(mutex_);
        const auto before = segments_.size();
        remove_dead_segments();
        step.segments += static_cast<std::uint32_t>(before - segments_.size());
        if (living.empty() && segments_.contains(*number) && !keeps_others_dead(*number))
            return Error{ErrorKind::io, "an empty segment file could not be removed"};
    }
    return step;
}

}  // namespace mutirao::storage
