#include "storage/storage_node.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "block/row_marks.hpp"

namespace mutirao::storage {
namespace {

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

std::shared_ptr<const StorageNode::OpenBlock> StorageNode::find_open(const BlockId& id) const {
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
    auto open =
        std::make_shared<const OpenBlock>(OpenBlock{id, epoch, std::move(check), std::move(slots)});
    const std::lock_guard lock(mutex_);
    open_.remove_if([&](const auto& other) { return other->id == id; });
    open_.push_front(std::move(open));
    if (open_.size() > kOpenBlocksMax) open_.pop_back();
    return {};
}

Status StorageNode::check_own(const OpenBlock& open, std::uint32_t slot) const {
    if (std::binary_search(open.slots.begin(), open.slots.end(), slot)) return {};
    return Error{ErrorKind::permission_denied,
                 "slot " + std::to_string(slot) + " of " + name_of(open.id) +
                     " belongs to another node in epoch " + std::to_string(open.epoch)};
}

Result<std::optional<crypto::BlsSignature>> StorageNode::put_share(
    const block::ShareMessage& share) {
    auto open = find_open(share.id);
    if (!share.statement.empty() && (open == nullptr || open->epoch != share.epoch)) {
        TRY_VOID(open_block(share.id, share.statement, share.epoch));
        open = find_open(share.id);
    }
    if (open == nullptr)
        return Error{ErrorKind::not_found,
                     name_of(share.id) + " is not open here; send its statement first"};
    std::vector<block::SlotRows> fresh;
    for (const auto& slot : share.slots) {
        TRY_VOID(check_own(*open, slot.slot));
        if (!store_.contains(share.id, slot.slot)) fresh.push_back(slot);
    }
    if (!fresh.empty()) {
        auto digests = open->check.digest_share(fresh);
        if (!digests.ok()) return std::move(digests).error().within(name_of(share.id));
        std::vector<SlotToStore> slots;
        const std::size_t rows = open->check.header().rows_per_slot();
        for (auto& slot : fresh)
            slots.push_back({slot.slot, std::span(*digests).subspan(slots.size() * rows, rows),
                             std::move(slot.rows)});
        TRY_VOID(store_.put_share(share.id, open->check.statement().encode(), slots));
    }
    if (!share.sign) return std::optional<crypto::BlsSignature>{};
    TRY(auto signature, sign(share.id, share.epoch));
    return std::optional(signature);
}

Status StorageNode::put_slot(const BlockId& id, std::uint32_t slot, ByteSpan rows) {
    const auto open = find_open(id);
    if (open == nullptr)
        return Error{ErrorKind::not_found, name_of(id) + " is not open here; open it first"};
    TRY_VOID(check_own(*open, slot));
    const auto& header = open->check.header();
    const std::size_t size = std::size_t{header.rows_per_slot()} * header.row_size;
    if (rows.size() != size)
        return Error{ErrorKind::invalid_argument, "slot " + std::to_string(slot) + " of " +
                                                      name_of(id) + " has " + std::to_string(size) +
                                                      " bytes, not " + std::to_string(rows.size())};
    block::ShareMessage share{id, open->epoch, false, {}, {{slot, {}}}};
    for (std::size_t at = 0; at < size; at += header.row_size)
        share.slots.front().rows.push_back(rows.subspan(at, header.row_size));
    TRY_VOID(put_share(share));
    return {};
}

// Of an open block, or read from the disk.
std::shared_ptr<const block::Statement> StorageNode::statement_of(const BlockId& id,
                                                                  Error& why_not) const {
    if (const auto open = find_open(id); open != nullptr && store_.has_statement(id))
        return {open, &open->check.statement()};
    auto read = [&]() -> Result<block::Statement> {
        TRY(auto bytes, store_.statement(id));
        return block::Statement::decode(bytes);
    }();
    if (read.ok()) return std::make_shared<const block::Statement>(std::move(read).value());
    why_not = std::move(read).error();
    return nullptr;
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
    Error why_not{ErrorKind::not_found, ""};
    const auto statement = statement_of(id, why_not);
    if (statement == nullptr) return why_not;
    TRY_VOID(store_.sync());
    return identity_.signing_key.sign(
        block::availability_message(identity_.chain_id, block::certificate_for(*statement, epoch)));
}

Result<Bytes> StorageNode::statement(const BlockId& id) const { return store_.statement(id); }

namespace {

using Slots = std::vector<block::ServedMessage::Slot>;

constexpr std::ptrdiff_t kBeforeDigests = 6;  // slot count and row size of a ServedMessage

Error damaged_slot(const BlockId& id, std::uint32_t slot) {
    return Error{ErrorKind::corrupt, "slot " + std::to_string(slot) + " of " + name_of(id) +
                                         " is damaged on this node's disk"};
}

// The wanted rows by slot, ascending, each once; with room for the slots' digests.
Result<Slots> by_slot(const BlockId& id, const block::Header& header,
                      std::span<const std::uint32_t> indexes) {
    std::vector<std::uint32_t> sorted(indexes.begin(), indexes.end());
    std::sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(a % header.slots, a) < std::pair(b % header.slots, b);
    });
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    if (sorted.size() * std::uint64_t{header.row_size} > kServedBytesMax)
        return Error{ErrorKind::invalid_argument,
                     std::to_string(sorted.size()) + " rows of " + std::to_string(header.row_size) +
                         " bytes are over the " + std::to_string(kServedBytesMax) +
                         " bytes of one reply; ask for fewer at a time"};
    Slots out;
    for (const auto index : sorted) {
        if (index >= header.rows)
            return Error{ErrorKind::invalid_argument,
                         name_of(id) + " has " + std::to_string(header.rows) +
                             " rows; there is no row " + std::to_string(index)};
        const auto slot = index % header.slots;
        if (out.empty() || out.back().slot != slot)
            out.push_back({slot, std::vector<Digest>(header.rows_per_slot()), {}});
        out.back().rows.push_back({index, {}});
    }
    return out;
}

}  // namespace

Result<Bytes> StorageNode::read_rows(const BlockId& id,
                                     std::span<const std::uint32_t> indexes) const {
    Error why_not{ErrorKind::not_found, ""};
    const auto statement = statement_of(id, why_not);
    if (statement == nullptr) return why_not;
    const auto& header = statement->header;
    TRY(auto wanted, by_slot(id, header, indexes));
    std::erase_if(wanted, [&](const auto& slot) { return !store_.contains(id, slot.slot); });
    Error failure{ErrorKind::not_found,
                  "none of the asked rows of " + name_of(id) + " is stored here"};
    // Again without the slots that turn out damaged, which is rare.
    while (!wanted.empty()) {
        auto out = block::ServedMessage::encode_head(wanted, header.row_size);
        const auto rows = MutableByteSpan(out).subspan(block::ServedMessage::head_size(wanted));
        auto good = read_slots(id, *statement, wanted, rows, failure);
        if (good.size() == wanted.size()) {
            // The digests are known only now.
            const auto head = block::ServedMessage::encode_head(good, 0);
            std::copy(head.begin() + kBeforeDigests, head.end(), out.begin() + kBeforeDigests);
            return out;
        }
        wanted = std::move(good);
    }
    if (indexes.empty()) return block::ServedMessage::encode_head({}, header.row_size);
    return failure;
}

// Reads the digests of the slots and their wanted rows, one after another, into `rows`. Returns the
// slots that are good and takes damaged ones out of the store; `failure` is why the last was not.
StorageNode::ServedSlots StorageNode::read_slots(const BlockId& id,
                                                 const block::Statement& statement,
                                                 ServedSlots& wanted, MutableByteSpan rows,
                                                 Error& failure) const {
    const std::size_t row_size = statement.header.row_size;
    std::vector<ByteSpan> read;
    std::vector<Status> statuses;
    for (auto& slot : wanted) {
        const auto part = rows.first(slot.rows.size() * row_size);
        rows = rows.subspan(part.size());
        statuses.push_back(read_slot(id, statement, slot, part));
        for (std::size_t at = 0; at < part.size(); at += row_size)
            read.push_back(part.subspan(at, row_size));
    }
    const auto found = block::digest_rows(read);
    ServedSlots good;
    std::size_t at = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto& slot = wanted[i];
        for (const auto& row : slot.rows)
            if (found[at++] != slot.digests[row.index / statement.header.slots] && statuses[i].ok())
                statuses[i] = damaged_slot(id, slot.slot);
        if (statuses[i].ok()) {
            good.push_back(slot);
            continue;
        }
        failure = statuses[i].error();
        if (failure.kind == ErrorKind::corrupt) store_.lose_slot(id, slot.slot);
    }
    return good;
}

// Reads what was stored; whether the rows are those of the digests is for the caller to see.
Status StorageNode::read_slot(const BlockId& id, const block::Statement& statement,
                              block::ServedMessage::Slot& slot, MutableByteSpan rows) const {
    const auto& header = statement.header;
    Bytes digests(std::size_t{header.rows_per_slot()} * Digest::kSize);
    TRY_VOID(store_.read_slot(id, slot.slot, 0, digests));
    Reader in(digests);
    for (auto& digest : slot.digests) {
        TRY(digest, in.fixed<Digest>());
    }
    if (block::slot_leaf(slot.slot, slot.digests) != statement.leaves[slot.slot])
        return damaged_slot(id, slot.slot);
    for (std::size_t i = 0; i < slot.rows.size(); ++i) {
        const auto place = slot.rows[i].index / header.slots;
        const auto offset = digests.size() + std::uint64_t{place} * header.row_size;
        TRY_VOID(store_.read_slot(id, slot.slot, offset,
                                  rows.subspan(i * header.row_size, header.row_size)));
    }
    return {};
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

Result<block::SlotProof> StorageNode::prove_slot(const BlockId& id, std::uint32_t slot,
                                                 const Digest& draw) const {
    Error why_not{ErrorKind::not_found, ""};
    const auto statement = statement_of(id, why_not);
    if (statement == nullptr) return why_not;
    const auto& header = statement->header;
    if (!store_.contains(id, slot))
        return Error{ErrorKind::not_found,
                     "slot " + std::to_string(slot) + " of " + name_of(id) + " is not here"};
    const auto place = block::drawn_row(draw, header.rows_per_slot());
    block::ServedMessage::Slot wanted;
    wanted.slot = slot;
    wanted.digests.resize(header.rows_per_slot());
    wanted.rows.push_back({place * header.slots + slot, {}});
    Bytes row(header.row_size);
    TRY_VOID(read_slot(id, *statement, wanted, row));
    if (block::row_digest(row) != wanted.digests[place]) {
        store_.lose_slot(id, slot);
        return damaged_slot(id, slot);
    }
    return block::prove_slot(*statement, slot, std::move(wanted.digests), std::move(row));
}

}  // namespace mutirao::storage
