#include "storage/fragment_store.hpp"

#include <algorithm>

#include "base/codec.hpp"

namespace mutirao::storage {
namespace {

std::string what(RecordKind kind, const BlockId& block, std::uint32_t slot) {
    if (kind == RecordKind::statement) return "the statement of block " + block.hex();
    return "slot " + std::to_string(slot) + " of block " + block.hex();
}

}  // namespace

const FragmentStore::Place* FragmentStore::place_of(RecordKind kind, const BlockId& block,
                                                    std::uint32_t slot) const {
    const auto at = blocks_.find(block);
    if (at == blocks_.end()) return nullptr;
    if (kind == RecordKind::statement)
        return at->second.statement ? &*at->second.statement : nullptr;
    const auto place = at->second.slots.find(slot);
    return place == at->second.slots.end() ? nullptr : &place->second;
}

Status FragmentStore::put_statement(const BlockId& block, ByteSpan bytes) {
    return put(RecordKind::statement, block, 0, bytes);
}

Status FragmentStore::put_slot(const BlockId& block, std::uint32_t slot, ByteSpan payload) {
    return put(RecordKind::slot, block, slot, payload);
}

Status FragmentStore::put_share(const BlockId& block, ByteSpan statement,
                                std::span<const SlotToStore> slots) {
    TRY_VOID(put_statement(block, statement));
    for (const auto& slot : slots) {
        Bytes payload;
        for (const auto& digest : slot.digests)
            payload.insert(payload.end(), digest.bytes.begin(), digest.bytes.end());
        for (const auto row : slot.rows) payload.insert(payload.end(), row.begin(), row.end());
        TRY_VOID(put_slot(block, slot.slot, payload));
    }
    return {};
}

Status FragmentStore::put(RecordKind kind, const BlockId& block, std::uint32_t slot,
                          ByteSpan payload) {
    if (payload.size() > kPayloadSizeMax)
        return Error{ErrorKind::invalid_argument,
                     what(kind, block, slot) + " has " + std::to_string(payload.size()) +
                         " bytes; at most " + std::to_string(kPayloadSizeMax) + " fit"};
    {
        const std::lock_guard lock(mutex_);
        if (place_of(kind, block, slot) != nullptr) return {};
    }
    const RecordHeader header{kind, block, slot, static_cast<std::uint32_t>(payload.size())};
    const auto record = encode_record(header, payload, key_);  // hashes: not under the lock
    const std::lock_guard lock(mutex_);
    if (place_of(kind, block, slot) != nullptr) return {};
    auto place = append(header, record);
    if (!place.ok())
        return std::move(place).error().within(what(kind, block, slot) + " was not stored");
    enter(header, *place);
    return {};
}

Result<FragmentStore::Place> FragmentStore::append(const RecordHeader& header, ByteSpan record) {
    TRY_VOID(usable());
    TRY(auto number, segment_with_room(record.size()));
    auto& segment = segments_.at(number);
    unsynced_.insert(number);
    if (auto status = segment.file->append(record); !status.ok()) {
        // A part may have been written. Where it cannot be cut off, nothing is added after it.
        if (!segment.file->truncate(segment.size).ok()) segment.closed = true;
        return std::move(status).error();
    }
    const Place place{number, segment.size, header.payload_size};
    segment.size += record.size();
    return place;
}

Status FragmentStore::usable() const {
    if (sync_failed_)
        return Error{ErrorKind::io,
                     "the disk failed to sync earlier; check it and start this node again"};
    return {};
}

Status FragmentStore::sync() {
    const std::lock_guard one_at_a_time(sync_mutex_);
    std::vector<std::shared_ptr<File>> files;
    {
        const std::lock_guard lock(mutex_);
        TRY_VOID(usable());
        for (const auto number : unsynced_) files.push_back(segments_.at(number).file);
        unsynced_.clear();
    }
    for (const auto& file : files)
        if (auto status = file->sync(); !status.ok()) {
            const std::lock_guard lock(mutex_);
            sync_failed_ = true;
            return std::move(status).error().within("the fragments could not be synced");
        }
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
                                {kind, block, slot, found.place.payload_size}, key_);
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
    TRY(auto found, find(RecordKind::slot, block, slot));
    if (offset > found.place.payload_size || out.size() > found.place.payload_size - offset)
        return Error{ErrorKind::invalid_argument, what(RecordKind::slot, block, slot) +
                                                      " ends at byte " +
                                                      std::to_string(found.place.payload_size)};
    return found.file->read(found.place.offset + kRecordHeaderSize + offset, out);
}

void FragmentStore::lose_slot(const BlockId& block, std::uint32_t slot) {
    const auto found = find(RecordKind::slot, block, slot);
    if (found.ok()) lose(RecordKind::slot, block, slot, found->place);
}

void FragmentStore::lose(RecordKind kind, const BlockId& block, std::uint32_t slot,
                         const Place& place) {
    const std::lock_guard lock(mutex_);
    const auto* now = place_of(kind, block, slot);
    if (now == nullptr || now->segment != place.segment || now->offset != place.offset) return;
    ++damaged_;
    release(place);
    auto& entry = blocks_.at(block);
    if (kind == RecordKind::statement) {
        entry.statement.reset();
    } else {
        entry.slots.erase(slot);
        --slot_count_;
    }
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
        for (const auto& [slot, place] : at->second.slots) out.push_back(slot);
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
    const RecordHeader header{RecordKind::drop, block, 0, 0};
    const auto record = encode_record(header, {}, key_);
    const std::lock_guard lock(mutex_);
    const auto at = blocks_.find(block);
    if (at == blocks_.end() || at->second.empty())
        return Error{ErrorKind::not_found, "block " + block.hex() + " is not stored here"};
    auto place = append(header, record);
    if (!place.ok())
        return std::move(place).error().within("block " + block.hex() + " was not dropped");
    enter(header, *place);
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
