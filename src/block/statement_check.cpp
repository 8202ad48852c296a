// Checks of rows against a statement: what a node does before it signs, and a reader with each row.
#include <algorithm>

#include "block/row_marks.hpp"
#include "block/statement.hpp"

namespace mutirao::block {
namespace {

Error not_of_the_code(std::uint32_t index) {
    return Error{ErrorKind::corrupt,
                 "row " + std::to_string(index) + " does not belong to the code"};
}

}  // namespace

Result<StatementCheck> StatementCheck::open(const BlockId& id, Statement statement) {
    if (statement.id() != id)
        return Error{ErrorKind::corrupt, "the statement is not that of block " + id.hex()};
    StatementCheck check;
    const auto& header = statement.header;
    check.order_ = statement.row_order();
    check.challenge_ = coding::FoldChallenge(statement.fold_challenge());
    check.extended_folds_ = coding::extend_folds(header.data_rows, header.rows, statement.folds);
    check.statement_ = std::move(statement);
    return check;
}

bool StatementCheck::has_fold(std::uint32_t index, ByteSpan fold) const {
    const auto expected = ByteSpan(extended_folds_)
                              .subspan(std::size_t{index} * coding::kFoldSize, coding::kFoldSize);
    return std::equal(expected.begin(), expected.end(), fold.begin());
}

bool StatementCheck::row_folds(std::uint32_t index, ByteSpan row) const {
    std::array<std::uint8_t, coding::kFoldSize> fold{};
    challenge_.fold(row, fold);
    return has_fold(index, fold);
}

StatementCheck::RowSet StatementCheck::check_row_set(std::span<const coding::Row> rows,
                                                     const Threads& threads) const {
    std::vector<ByteSpan> bytes;
    bytes.reserve(rows.size());
    for (const auto& row : rows) bytes.push_back(row.bytes);
    auto marks = mark_rows(bytes, challenge_, threads);
    RowSet out{std::move(marks.digests), {}};
    for (std::size_t i = 0; i < rows.size() && !out.misfit; ++i)
        if (!has_fold(rows[i].index,
                      ByteSpan(marks.folds).subspan(i * coding::kFoldSize, coding::kFoldSize)))
            out.misfit = rows[i].index;
    return out;
}

Status StatementCheck::check_digests(std::uint32_t slot, std::span<const Digest> digests) const {
    if (slot >= header().slots || digests.size() != header().rows_per_slot())
        return Error{ErrorKind::corrupt,
                     "slot " + std::to_string(slot) + " does not fit the block's shape"};
    if (slot_leaf(slot, digests) != statement_.leaves[slot])
        return Error{ErrorKind::corrupt,
                     "slot " + std::to_string(slot) + " is not the one that was committed to"};
    return {};
}

Status StatementCheck::place_rows(const SlotRows& slot, std::vector<coding::Row>& rows) const {
    const auto& head = header();
    if (slot.slot >= head.slots || slot.rows.size() != head.rows_per_slot())
        return Error{ErrorKind::corrupt, "slot " + std::to_string(slot.slot) + " needs " +
                                             std::to_string(head.rows_per_slot()) + " rows, got " +
                                             std::to_string(slot.rows.size())};
    for (std::uint32_t j = 0; j < slot.rows.size(); ++j) {
        const auto index = order_.row_at(slot.slot, j);
        if (slot.rows[j].size() != head.row_size)
            return Error{ErrorKind::corrupt, "row " + std::to_string(index) + " has " +
                                                 std::to_string(slot.rows[j].size()) +
                                                 " bytes, not " + std::to_string(head.row_size)};
        rows.push_back({index, slot.rows[j]});
    }
    return {};
}

Status StatementCheck::check_proof_fits(std::size_t slots, std::span<const Digest> proof) const {
    const bool sampled = header().version == Profile::sampled;
    if (slots == 0) return Error{ErrorKind::corrupt, "a share of no slot has nothing to check"};
    if (!sampled && !proof.empty())
        return Error{ErrorKind::corrupt, "a share of a version 1 block has no proof of its rows"};
    if (sampled && proof.empty() && slots < header().slots)
        return Error{ErrorKind::corrupt,
                     "a share of a version 2 block needs the proof that its rows are those that "
                     "the block's order was drawn from"};
    return {};
}

Result<ProvenDigests> StatementCheck::prove_digests(std::span<const SlotDigests> slots,
                                                    std::span<const Digest> proof) const {
    if (header().version != Profile::sampled)
        return Error{ErrorKind::invalid_argument,
                     "only version 2 blocks have a tree of their rows"};
    TRY_VOID(check_proof_fits(slots.size(), proof));
    ProvenDigests out;
    for (const auto& [slot, digests] : slots) {
        if (slot >= header().slots || digests.size() != header().rows_per_slot())
            return Error{ErrorKind::corrupt,
                         "slot " + std::to_string(slot) + " does not fit the block's shape"};
        for (std::uint32_t j = 0; j < digests.size(); ++j)
            out.rows_.push_back({order_.row_at(slot, j), digests[j]});
    }
    std::sort(out.rows_.begin(), out.rows_.end(),
              [](const auto& a, const auto& b) { return a.row < b.row; });
    TRY_VOID(verify_rows(header().rows, out.rows_, proof, statement_.rows_root));
    out.proof_.assign(proof.begin(), proof.end());
    out.root_ = statement_.rows_root;
    return out;
}

Result<std::vector<Digest>> StatementCheck::digest_share(std::span<const SlotRows> share,
                                                         std::span<const Digest> proof,
                                                         const Threads& threads) const {
    TRY_VOID(check_proof_fits(share.size(), proof));
    std::vector<coding::Row> rows;
    std::vector<bool> seen(header().slots);
    for (const auto& slot : share) {
        TRY_VOID(place_rows(slot, rows));
        if (seen[slot.slot])
            return Error{ErrorKind::corrupt,
                         "slot " + std::to_string(slot.slot) + " is twice in one share"};
        seen[slot.slot] = true;
    }
    // Hashes decide first: a row that was changed on its way is not called a bad row of the code.
    auto set = check_row_set(rows, threads);
    std::vector<SlotDigests> slots;
    for (const auto& slot : share) {
        const std::size_t size = header().rows_per_slot();
        slots.push_back({slot.slot, std::span(set.digests).subspan(slots.size() * size, size)});
        TRY_VOID(check_digests(slot.slot, slots.back().digests));
    }
    if (header().version == Profile::sampled) TRY_VOID(prove_digests(slots, proof));
    if (set.misfit) return not_of_the_code(*set.misfit);
    return std::move(set.digests);
}

Status StatementCheck::check_share(std::span<const SlotRows> share, std::span<const Digest> proof,
                                   const Threads& threads) const {
    TRY_VOID(digest_share(share, proof, threads));
    return {};
}

Status StatementCheck::check_slot(std::uint32_t slot, std::span<const ByteSpan> rows,
                                  std::span<const Digest> proof) const {
    const SlotRows share{slot, {rows.begin(), rows.end()}};
    return check_share({&share, 1}, proof);
}

Status StatementCheck::check_row_digest(std::uint32_t slot, std::span<const Digest> digests,
                                        const coding::Row& row) const {
    if (row.index >= header().rows || order_.slot_of(row.index) != slot ||
        row.bytes.size() != header().row_size ||
        row_digest(row.bytes) != digests[order_.place_in_slot(row.index)])
        return Error{ErrorKind::corrupt,
                     "row " + std::to_string(row.index) + " is not the one that was committed to"};
    return {};
}

Status StatementCheck::check_committed(std::uint32_t slot, std::span<const Digest> digests,
                                       const coding::Row& row) const {
    TRY_VOID(check_digests(slot, digests));
    return check_row_digest(slot, digests, row);
}

Status StatementCheck::check_rows(std::uint32_t slot, std::span<const Digest> digests,
                                  std::span<const coding::Row> rows,
                                  std::span<const Digest> proof) const {
    TRY_VOID(check_proof_fits(1, proof));
    TRY_VOID(check_digests(slot, digests));
    if (header().version == Profile::sampled) {
        const SlotDigests whole{slot, digests};
        TRY_VOID(prove_digests({&whole, 1}, proof));
    }
    for (const auto& row : rows) {
        TRY_VOID(check_row_digest(slot, digests, row));
        if (!row_folds(row.index, row.bytes)) return not_of_the_code(row.index);
    }
    return {};
}

Status StatementCheck::check_rows(std::span<const PartialSlot> parts,
                                  const Threads& threads) const {
    std::vector<coding::Row> rows;
    for (const auto& part : parts) {
        TRY_VOID(check_proof_fits(1, {}));
        TRY_VOID(check_digests(part.slot, part.digests));
        for (const auto& row : part.rows) {
            if (row.index >= header().rows || order_.slot_of(row.index) != part.slot ||
                row.bytes.size() != header().row_size)
                return Error{ErrorKind::corrupt, "row " + std::to_string(row.index) +
                                                     " does not fit slot " +
                                                     std::to_string(part.slot)};
            rows.push_back(row);
        }
    }
    const auto set = check_row_set(rows, threads);
    std::size_t at = 0;
    for (const auto& part : parts)
        for (const auto& row : part.rows)
            if (set.digests[at++] != part.digests[order_.place_in_slot(row.index)])
                return Error{ErrorKind::corrupt, "row " + std::to_string(row.index) +
                                                     " is not the one that was committed to"};
    if (set.misfit) return not_of_the_code(*set.misfit);
    return {};
}

}  // namespace mutirao::block
