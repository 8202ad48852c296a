#include "storage/storage_node.hpp"

#include <algorithm>
#include <map>

#include "base/codec.hpp"

namespace mutirao::storage {
namespace {

// A slot as it is stored: the digests of its rows, then the rows.
std::size_t digests_size(const block::Header& header) {
    return std::size_t{header.rows_per_slot()} * Digest::kSize;
}

Bytes stored_slot(std::span<const Digest> digests, ByteSpan rows) {
    Bytes out;
    out.reserve(digests.size() * Digest::kSize + rows.size());
    for (const auto& digest : digests)
        out.insert(out.end(), digest.bytes.begin(), digest.bytes.end());
    out.insert(out.end(), rows.begin(), rows.end());
    return out;
}

std::string name_of(const BlockId& id) { return "block " + id.hex(); }

}  // namespace

Result<std::vector<std::uint32_t>> StorageNode::own_slots(const BlockId& id,
                                                          std::uint64_t epoch) const {
    TRY(auto placement, memberships_.placement(epoch));
    const auto member = placement->membership().find(identity_.address);
    if (!member)
        return Error{ErrorKind::permission_denied,
                     "this node is no storage node of epoch " + std::to_string(epoch)};
    return placement->slots_of(id, *member);
}

std::shared_ptr<const StorageNode::OpenBlock> StorageNode::find_open(const BlockId& id) {
    const std::lock_guard lock(mutex_);
    const auto at =
        std::find_if(open_.begin(), open_.end(), [&](const auto& open) { return open->id == id; });
    if (at == open_.end()) return nullptr;
    open_.splice(open_.begin(), open_, at);
    return *at;
}

Status StorageNode::open_block(const BlockId& id, ByteSpan statement, std::uint64_t epoch) {
    TRY(auto slots, own_slots(id, epoch));
    TRY(auto decoded, block::Statement::decode(statement));
    // A share of profile S must be checked as a whole, with its proof, and slots arrive one by one.
    if (decoded.header.version != block::Profile::wide)
        return Error{ErrorKind::unimplemented,
                     name_of(id) + " is of version 2, whose shares this node does not take yet"};
    TRY(auto check, block::StatementCheck::open(id, std::move(decoded)));
    // The id binds the commitment, so one that was checked before need not be checked again.
    if (find_open(id) == nullptr && !store_.has_statement(id)) {
        const block::Statement* statements[] = {&check.statement()};
        TRY_VOID(block::check_commitments(statements, random_.fixed<Digest>()));
    }
    auto open =
        std::make_shared<const OpenBlock>(OpenBlock{id, epoch, std::move(check), std::move(slots)});
    const std::lock_guard lock(mutex_);
    open_.remove_if([&](const auto& other) { return other->id == id; });
    open_.push_front(std::move(open));
    if (open_.size() > kOpenBlocksMax) open_.pop_back();
    return {};
}

Status StorageNode::put_slot(const BlockId& id, std::uint32_t slot, ByteSpan rows) {
    const auto open = find_open(id);
    if (open == nullptr)
        return Error{ErrorKind::not_found, name_of(id) + " is not open here; open it first"};
    if (!std::binary_search(open->slots.begin(), open->slots.end(), slot))
        return Error{ErrorKind::permission_denied,
                     "slot " + std::to_string(slot) + " of " + name_of(id) +
                         " belongs to another node in epoch " + std::to_string(open->epoch)};
    const auto& header = open->check.header();
    const std::size_t size = std::size_t{header.rows_per_slot()} * header.row_size;
    if (rows.size() != size)
        return Error{ErrorKind::invalid_argument, "slot " + std::to_string(slot) + " of " +
                                                      name_of(id) + " has " + std::to_string(size) +
                                                      " bytes, not " + std::to_string(rows.size())};
    const auto statement = open->check.statement().encode();
    if (store_.contains(id, slot)) return store_.put_statement(id, statement);

    std::vector<Digest> digests;
    std::vector<coding::Row> indexed;
    for (std::uint32_t j = 0; j < header.rows_per_slot(); ++j) {
        const auto row = rows.subspan(std::size_t{j} * header.row_size, header.row_size);
        digests.push_back(block::row_digest(row));
        indexed.push_back({slot + j * header.slots, row});
    }
    if (auto status = open->check.check_rows(slot, digests, indexed); !status.ok())
        return std::move(status).error().within(name_of(id));
    TRY_VOID(store_.put_statement(id, statement));
    return store_.put_slot(id, slot, stored_slot(digests, rows));
}

Result<crypto::BlsSignature> StorageNode::sign(const BlockId& id, std::uint64_t epoch) {
    TRY(auto slots, own_slots(id, epoch));
    if (slots.empty())
        return Error{ErrorKind::permission_denied, "no slot of " + name_of(id) +
                                                       " belongs to this node in epoch " +
                                                       std::to_string(epoch)};
    const auto missing = std::count_if(
        slots.begin(), slots.end(), [&](std::uint32_t slot) { return !store_.contains(id, slot); });
    if (missing > 0)
        return Error{ErrorKind::unavailable, std::to_string(missing) + " of " +
                                                 std::to_string(slots.size()) + " slots of " +
                                                 name_of(id) + " are missing here; put them first"};
    TRY(auto bytes, store_.statement(id));
    TRY(auto statement, block::Statement::decode(bytes));
    TRY_VOID(store_.sync());
    return identity_.signing_key.sign(
        block::availability_message(identity_.chain_id, block::certificate_for(statement, epoch)));
}

Result<Bytes> StorageNode::statement(const BlockId& id) const { return store_.statement(id); }

Result<std::vector<SlotRows>> StorageNode::read_rows(const BlockId& id,
                                                     std::span<const std::uint32_t> indexes) const {
    TRY(auto bytes, store_.statement(id));
    TRY(auto statement, block::Statement::decode(bytes));
    const auto& header = statement.header;
    std::map<std::uint32_t, std::vector<std::uint32_t>> by_slot;
    for (const auto index : indexes) {
        if (index >= header.rows)
            return Error{ErrorKind::invalid_argument,
                         name_of(id) + " has " + std::to_string(header.rows) +
                             " rows; there is no row " + std::to_string(index)};
        by_slot[index % header.slots].push_back(index);
    }
    std::size_t row_count = 0;
    for (auto& [slot, rows] : by_slot) {
        std::sort(rows.begin(), rows.end());
        rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
        row_count += rows.size();
    }
    if (row_count * header.row_size > kServedBytesMax)
        return Error{ErrorKind::invalid_argument,
                     std::to_string(row_count) + " rows of " + std::to_string(header.row_size) +
                         " bytes are over the " + std::to_string(kServedBytesMax) +
                         " bytes of one reply; ask for fewer at a time"};
    std::vector<SlotRows> out;
    Error failure{ErrorKind::not_found,
                  "none of the asked rows of " + name_of(id) + " is stored here"};
    for (const auto& [slot, rows] : by_slot) {
        if (!store_.contains(id, slot)) continue;
        auto served = read_slot_rows(id, statement, slot, rows);
        if (served.ok()) {
            out.push_back(std::move(*served));
            continue;
        }
        failure = std::move(served).error();
        if (failure.kind == ErrorKind::corrupt) store_.lose_slot(id, slot);
    }
    if (out.empty() && !by_slot.empty()) return failure;
    return out;
}

Result<SlotRows> StorageNode::read_slot_rows(const BlockId& id, const block::Statement& statement,
                                             std::uint32_t slot,
                                             std::span<const std::uint32_t> indexes) const {
    const auto& header = statement.header;
    SlotRows out;
    out.slot = slot;
    Bytes digests(digests_size(header));
    TRY_VOID(store_.read_slot(id, slot, 0, digests));
    Reader in(digests);
    for (std::uint32_t j = 0; j < header.rows_per_slot(); ++j) {
        TRY(auto digest, in.fixed<Digest>());
        out.digests.push_back(digest);
    }
    const Error damaged{ErrorKind::corrupt, "slot " + std::to_string(slot) + " of " + name_of(id) +
                                                " is damaged on this node's disk"};
    if (block::slot_leaf(slot, out.digests) != statement.leaves[slot]) return damaged;
    for (const auto index : indexes) {
        const auto position = index / header.slots;
        Bytes row(header.row_size);
        TRY_VOID(store_.read_slot(id, slot,
                                  digests.size() + std::uint64_t{position} * header.row_size, row));
        if (block::row_digest(row) != out.digests[position]) return damaged;
        out.rows.emplace_back(index, std::move(row));
    }
    return out;
}

Status StorageNode::drop(const BlockId& id) {
    {
        const std::lock_guard lock(mutex_);
        open_.remove_if([&](const auto& open) { return open->id == id; });
    }
    TRY_VOID(store_.drop(id));
    return store_.sync();
}

Usage StorageNode::usage() const {
    return {store_.blocks().size(), store_.slot_count(), store_.bytes_stored(), store_.damaged()};
}

Result<Bytes> StorageNode::audit(const BlockId& id, std::uint32_t slot) const {
    return Error{ErrorKind::unimplemented, "audits by random sampling are not built yet (slot " +
                                               std::to_string(slot) + " of " + name_of(id) + ")"};
}

}  // namespace mutirao::storage
