#include "storage/fragment_store.hpp"

#include <algorithm>
#include <utility>

#include "base/codec.hpp"

namespace mutirao::storage {
namespace {

constexpr std::uint64_t kLetGoAtOnce = 1 << 20;

std::string what(RecordKind kind, const BlockId& block, std::uint32_t slot) {
    if (kind == RecordKind::statement) return "the statement of block " + block.hex();
    return "slot " + std::to_string(slot) + " of block " + block.hex();
}

std::uint64_t payload_size(const SlotToStore& slot) {
    return slot.rows.size() * (Digest::kSize + std::uint64_t{slot.rows.front().size()});
}

// Whether the records of this share could be read again.
Status check_share(const BlockId& block, ByteSpan statement, std::span<const SlotToStore> slots) {
    const auto refused = [](std::string why) {
        return Error{ErrorKind::invalid_argument, std::move(why)};
    };
    if (statement.size() > kPayloadSizeMax)
        return refused(what(RecordKind::statement, block, 0) + " is too large");
    std::uint64_t total = statement.size();
    for (const auto& slot : slots) {
        const auto name = what(RecordKind::slot, block, slot.slot);
        if (slot.rows.empty() || slot.rows.size() != slot.digests.size())
            return refused(name + " needs rows, and a digest of each");
        const auto row_size = slot.rows.front().size();
        const bool even = std::all_of(slot.rows.begin(), slot.rows.end(),
                                      [&](const auto& row) { return row.size() == row_size; });
        if (!even || row_size == 0 || row_size % kRowMultiple != 0)
            return refused(name + " needs rows of one size, a multiple of " +
                           std::to_string(kRowMultiple) + " bytes");
        if (payload_size(slot) > kPayloadSizeMax) return refused(name + " is too large");
        total += payload_size(slot);
    }
    if (total > kShareSizeMax)
        return refused("a share of block " + block.hex() + " is too large: send it in parts");
    return {};
}

}  // namespace

const FragmentStore::Place* FragmentStore::place_of(RecordKind kind, const BlockId& block,
                                                    std::uint32_t slot) const {
    const auto at = blocks_.find(block);
    if (at == blocks_.end()) return nullptr;
    if (kind == RecordKind::statement)
        return at->second.statement ? &*at->second.statement : nullptr;
    const auto& slots = at->second.slots;
    const auto place = std::lower_bound(slots.begin(), slots.end(), slot,
                                        [](const Place& p, std::uint32_t s) { return p.slot < s; });
    return place == slots.end() || place->slot != slot ? nullptr : &*place;
}

FragmentStore::Place* FragmentStore::place_of(RecordKind kind, const BlockId& block,
                                              std::uint32_t slot) {
    return const_cast<Place*>(std::as_const(*this).place_of(kind, block, slot));
}

Status FragmentStore::put_statement(const BlockId& block, ByteSpan bytes) {
    return put(RecordKind::statement, block, 0, bytes);
}

Status FragmentStore::put_slot(const BlockId& block, std::uint32_t slot, ByteSpan payload) {
    return put(RecordKind::slot, block, slot, payload);
}

Status FragmentStore::put(RecordKind kind, const BlockId& block, std::uint32_t slot,
                          ByteSpan payload) {
    if (payload.size() > kPayloadSizeMax)
        return Error{ErrorKind::invalid_argument,
                     what(kind, block, slot) + " has " + std::to_string(payload.size()) +
                         " bytes; at most " + std::to_string(kPayloadSizeMax) + " fit"};
    const RecordHeader header{kind, block, slot, 0, static_cast<std::uint32_t>(payload.size())};
    const auto record = encode_record(header, payload, key_);
    auto status = append({{header, {record}}});
    if (!status.ok())
        return std::move(status).error().within(what(kind, block, slot) + " was not stored");
    return {};
}

Status FragmentStore::put_share(const BlockId& block, ByteSpan statement,
                                std::span<const SlotToStore> slots) {
    TRY_VOID(check_share(block, statement, slots));
    std::vector<Incoming> records;
    const RecordHeader header{RecordKind::statement, block, 0, 0,
                              static_cast<std::uint32_t>(statement.size())};
    const auto record = encode_record(header, statement, key_);
    if (!statement.empty()) records.push_back({header, {record}});
    std::vector<RecordEnds> ends;
    ends.reserve(slots.size());  // pieces point into them
    for (const auto& slot : slots) {
        const auto same = [&](const Incoming& other) {
            return other.header.kind == RecordKind::slot && other.header.slot == slot.slot;
        };
        if (std::any_of(records.begin(), records.end(), same)) continue;
        Incoming incoming{
            {RecordKind::slot, block, slot.slot, static_cast<std::uint16_t>(slot.rows.size()),
             static_cast<std::uint32_t>(payload_size(slot))},
            {}};
        ends.push_back(encode_record_ends(incoming.header, slot.digests, key_));
        incoming.pieces.push_back(ends.back().front);
        incoming.pieces.insert(incoming.pieces.end(), slot.rows.begin(), slot.rows.end());
        incoming.pieces.push_back(ends.back().back);
        records.push_back(std::move(incoming));
    }
    auto status = append(std::move(records));
    if (!status.ok())
        return std::move(status).error().within("a share of block " + block.hex() +
                                                " was not stored");
    return {};
}

Status FragmentStore::append(std::vector<Incoming> records) {
    const std::lock_guard one_at_a_time(append_mutex_);
    {
        const std::lock_guard lock(mutex_);
        TRY_VOID(usable());
        std::erase_if(records, [&](const Incoming& record) {
            const auto& header = record.header;
            return header.kind != RecordKind::drop &&
                   place_of(header.kind, header.block, header.slot) != nullptr;
        });
    }
    if (records.empty()) return {};
    const bool drops = records.front().header.kind == RecordKind::drop;
    if (!drops) TRY_VOID(keep_reserve());
    auto status = write(records);
    const bool full = !status.ok() && status.error().kind == ErrorKind::resource_exhausted;
    if (drops && full && give_up_reserve()) status = write(records);
    return status;
}

Status FragmentStore::write(const std::vector<Incoming>& records) {
    std::shared_ptr<File> file;
    std::uint32_t number = 0;
    std::uint64_t offset = 0;
    {
        const std::lock_guard lock(mutex_);
        std::uint64_t size = 0;
        for (const auto& record : records) size += record.header.record_size();
        TRY(number, segment_with_room(size));
        file = segments_.at(number).file;
        offset = segments_.at(number).size;
        unsynced_.insert(number);
    }
    std::vector<ByteSpan> pieces;
    for (const auto& record : records)
        pieces.insert(pieces.end(), record.pieces.begin(), record.pieces.end());
    auto written = file->append_pieces(pieces);
    const std::lock_guard lock(mutex_);
    auto& segment = segments_.at(number);
    if (!written.ok()) {
        // A part may have been written. Where it cannot be cut off, nothing is added after it.
        if (!file->truncate(offset).ok()) segment.closed = true;
        return written;
    }
    unsynced_.insert(number);  // a sync may have run meanwhile
    if (records.size() > 2) {  // a share: its slots grow the index once
        auto& slots = blocks_[records.front().header.block].slots;
        slots.reserve(slots.size() + records.size());
    }
    for (const auto& record : records) {
        const auto& header = record.header;
        segment.records.push_back({segment.size, header});
        const Place place(segment.size, number, header);
        segment.size += header.record_size();
        enter(header, place);
    }
    return {};
}

Status FragmentStore::usable() const {
    if (sync_failed_)
        return Error{ErrorKind::io,
                     "the disk failed to sync earlier; check it and start this node again"};
    return {};
}

Status FragmentStore::sync() {
    return syncs_.run([this] { return sync_once(); });
}

Status FragmentStore::sync_once() {
    struct Dirty {
        std::shared_ptr<File> file;
        std::uint64_t from, to;  // to let go of once they are synced
    };
    std::map<std::uint32_t, Dirty> files;
    std::uint64_t this_one = 0;
    {
        const std::lock_guard lock(mutex_);
        TRY_VOID(usable());
        this_one = ++syncs_begun_;
        for (const auto number : unsynced_)
            if (const auto at = segments_.find(number); at != segments_.end()) {
                auto& segment = at->second;
                files[number] = {segment.file, segment.let_go, segment.size};
                if (segment.size - segment.let_go >= kLetGoAtOnce) segment.let_go = segment.size;
            }
        unsynced_.clear();
    }
    for (const auto& [number, dirty] : files) {
        if (auto status = dirty.file->sync(); !status.ok()) {
            const std::lock_guard lock(mutex_);
            sync_failed_ = true;
            return std::move(status).error().within("the fragments could not be synced");
        }
        // Memory that is used again is warm; a page cache that grows until it is full is not.
        if (dirty.to - dirty.from >= kLetGoAtOnce)
            dirty.file->let_go(dirty.from, dirty.to - dirty.from);
    }
    {
        const std::lock_guard lock(mutex_);
        syncs_ended_ = this_one;
    }
    write_sidecars();
    return {};
}

Result<FragmentStore::Found> FragmentStore::find(RecordKind kind, const BlockId& block,
                                                 std::uint32_t slot) const {
    const std::lock_guard lock(mutex_);
    const auto* place = place_of(kind, block, slot);
    if (place == nullptr)
        return Error{ErrorKind::not_found, what(kind, block, slot) + " is not stored here"};
    return Found{segments_.at(place->segment).file, *place};
}

Result<Bytes> FragmentStore::read(RecordKind kind, const BlockId& block, std::uint32_t slot) {
    TRY(auto found, find(kind, block, slot));
    auto payload = read_payload(*found.file, found.place.offset,
                                {kind, block, slot, static_cast<std::uint16_t>(found.place.rows),
                                 static_cast<std::uint32_t>(found.place.payload_size)},
                                key_);
    if (payload.ok()) return payload;
    if (payload.error().kind == ErrorKind::corrupt) lose(kind, block, slot, found.place);
    return std::move(payload).error().within(what(kind, block, slot));
}

Result<Bytes> FragmentStore::statement(const BlockId& block) {
    return read(RecordKind::statement, block, 0);
}

Result<Bytes> FragmentStore::slot(const BlockId& block, std::uint32_t slot) {
    return read(RecordKind::slot, block, slot);
}

Status FragmentStore::read_slot(const BlockId& block, std::uint32_t slot, std::uint64_t offset,
                                MutableByteSpan out) const {
    const SlotPart part{offset, out};
    return read_slot(block, slot, {&part, 1});
}

Status FragmentStore::read_slot(const BlockId& block, std::uint32_t slot,
                                std::span<const SlotPart> parts) const {
    TRY(auto found, find(RecordKind::slot, block, slot));
    const std::uint64_t size = found.place.payload_size;
    for (const auto& [offset, out] : parts)
        if (offset > size || out.size() > size - offset)
            return Error{ErrorKind::invalid_argument, what(RecordKind::slot, block, slot) +
                                                          " ends at byte " + std::to_string(size)};
    const auto payload = std::uint64_t{found.place.offset} + kRecordHeaderSize;
    for (const auto& [offset, out] : parts) TRY_VOID(found.file->read(payload + offset, out));
    return {};
}

void FragmentStore::lose_slot(const BlockId& block, std::uint32_t slot) {
    const auto found = find(RecordKind::slot, block, slot);
    if (found.ok()) lose(RecordKind::slot, block, slot, found->place);
}

void FragmentStore::lose(RecordKind kind, const BlockId& block, std::uint32_t slot,
                         const Place& place) {
    {
        const std::lock_guard lock(mutex_);
        const auto* now = place_of(kind, block, slot);
        if (now == nullptr || *now != place) return;
        ++damaged_;
        release(place);
        auto& entry = blocks_.at(block);
        if (kind == RecordKind::statement) {
            entry.statement.reset();
        } else {
            std::erase_if(entry.slots, [&](const Place& each) { return each.slot == slot; });
            --slot_count_;
        }
        if (!segments_.at(place.segment).has_sidecar) return;
    }
    // It still lists the record: the next opening has to look at the segment itself.
    remove_sidecar(place.segment);
}

bool FragmentStore::has_statement(const BlockId& block) const {
    const std::lock_guard lock(mutex_);
    return place_of(RecordKind::statement, block, 0) != nullptr;
}

bool FragmentStore::contains(const BlockId& block, std::uint32_t slot) const {
    const std::lock_guard lock(mutex_);
    return place_of(RecordKind::slot, block, slot) != nullptr;
}

std::vector<std::uint32_t> FragmentStore::slots(const BlockId& block) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint32_t> out;
    if (const auto at = blocks_.find(block); at != blocks_.end())
        for (const auto& place : at->second.slots) out.push_back(place.slot);
    return out;
}

std::vector<BlockId> FragmentStore::blocks() const {
    const std::lock_guard lock(mutex_);
    std::vector<BlockId> out;
    for (const auto& [id, block] : blocks_)
        if (!block.empty()) out.push_back(id);
    std::sort(out.begin(), out.end());
    return out;
}

Status FragmentStore::drop(const BlockId& block) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = blocks_.find(block);
        if (at == blocks_.end() || at->second.empty())
            return Error{ErrorKind::not_found, "block " + block.hex() + " is not stored here"};
    }
    const RecordHeader header{RecordKind::drop, block, 0, 0, 0};
    const auto record = encode_record(header, {}, key_);
    auto status = append({{header, {record}}});
    if (!status.ok())
        return std::move(status).error().within("block " + block.hex() + " was not dropped");
    const std::lock_guard lock(mutex_);
    remove_dead_segments();
    return {};
}

std::uint64_t FragmentStore::slot_count() const {
    const std::lock_guard lock(mutex_);
    return slot_count_;
}

std::uint64_t FragmentStore::bytes_stored() const {
    const std::lock_guard lock(mutex_);
    return bytes_stored_;
}

std::uint64_t FragmentStore::damaged() const {
    const std::lock_guard lock(mutex_);
    return damaged_;
}

}  // namespace mutirao::storage
