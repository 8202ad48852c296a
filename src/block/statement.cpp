#include "block/statement.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

// h = BLAKE3_keyed(K_fold, header | R).XOF: bound to every row through R, so nobody knows it before
// all n rows are fixed.
Bytes fold_challenge(const Header& header, const Digest& root) {
    Bytes seed = header.encode();
    seed.insert(seed.end(), root.bytes.begin(), root.bytes.end());
    Bytes challenge(std::size_t{coding::kFoldCoordinates} * header.row_size);
    crypto::blake3_keyed_xof(crypto::domain_key("fold"), seed, challenge);
    return challenge;
}

std::vector<crypto::Scalar> leaf_scalars(std::span<const Digest> leaves) {
    std::vector<crypto::Scalar> scalars;
    scalars.reserve(leaves.size());
    for (const auto& leaf : leaves) scalars.push_back(crypto::to_scalar(leaf));
    return scalars;
}

// All leaves of a block, from all its rows.
template <class RowAt>
std::vector<Digest> compute_leaves(const Header& header, RowAt&& row_at) {
    std::vector<Digest> leaves;
    leaves.reserve(header.slots);
    std::vector<Digest> digests(header.rows_per_slot());
    for (std::uint32_t slot = 0; slot < header.slots; ++slot) {
        for (std::uint32_t j = 0; j < digests.size(); ++j)
            digests[j] = row_digest(row_at(slot + j * header.slots));
        leaves.push_back(slot_leaf(slot, digests));
    }
    return leaves;
}

}  // namespace

BlockId Statement::id() const {
    crypto::KeyedHasher hasher(crypto::domain_key("id"));
    hasher.update(header.encode()).update(root().span()).update(commitment.span());
    hasher.update(crypto::blake3_keyed(crypto::domain_key("z"), folds).span());
    return BlockId{hasher.digest().bytes};
}

Digest Statement::root() const {
    crypto::KeyedHasher hasher(crypto::domain_key("vec"));
    hasher.update(header.encode());
    for (const auto& leaf : leaves) hasher.update(leaf.span());
    return hasher.digest();
}

Bytes Statement::encode() const {
    Writer out;
    out.raw(header.encode());
    for (const auto& leaf : leaves) out.raw(leaf.span());
    out.raw(commitment.span()).raw(folds);
    return std::move(out).take();
}

Result<Statement> Statement::decode(ByteSpan bytes) {
    Reader in(bytes);
    Statement statement;
    TRY(auto header, in.raw(Header::kSize));
    TRY(statement.header, Header::decode(header));
    statement.leaves.reserve(kSlotCount);
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
        TRY(auto leaf, in.fixed<Digest>());
        statement.leaves.push_back(leaf);
    }
    TRY(statement.commitment, in.fixed<crypto::KzgCommitment>());
    TRY(auto folds, in.raw(std::size_t{statement.header.data_rows} * coding::kFoldSize));
    statement.folds = to_bytes(folds);
    TRY_VOID(in.finish());
    return statement;
}

ByteSpan CodedBlock::row(std::uint32_t index) const {
    const std::size_t size = statement.header.row_size;
    return ByteSpan(rows).subspan(index * size, size);
}

Digest slot_leaf(std::uint32_t slot, std::span<const Digest> row_digests) {
    Writer out;
    out.u(slot);
    for (const auto& digest : row_digests) out.raw(digest.span());
    return crypto::blake3_keyed(crypto::domain_key("slot"), out.bytes());
}

Result<CodedBlock> code_block(ByteSpan content, Header header) {
    TRY(auto shape, header_for(content.size()));
    header.data_rows = shape.data_rows;
    header.rows = shape.rows;
    header.slots = shape.slots;
    header.row_size = shape.row_size;
    header.length = content.size();

    CodedBlock coded;
    coded.statement.header = header;
    coded.rows.resize(std::size_t{header.rows} * header.row_size);
    std::copy(content.begin(), content.end(), coded.rows.begin());
    const std::size_t data_size = std::size_t{header.data_rows} * header.row_size;
    const MutableByteSpan all(coded.rows);
    coding::encode(header.shape(), all.first(data_size), all.subspan(data_size));

    auto& statement = coded.statement;
    statement.leaves = compute_leaves(header, [&](std::uint32_t i) { return coded.row(i); });
    statement.commitment = crypto::commit(leaf_scalars(statement.leaves));
    const Bytes challenge = fold_challenge(header, statement.root());
    statement.folds.resize(std::size_t{header.data_rows} * coding::kFoldSize);
    for (std::uint32_t i = 0; i < header.data_rows; ++i)
        coding::fold_row(coded.row(i), challenge,
                         MutableByteSpan(statement.folds)
                             .subspan(std::size_t{i} * coding::kFoldSize, coding::kFoldSize));
    return coded;
}

Result<StatementCheck> StatementCheck::open(const BlockId& id, Statement statement) {
    if (statement.id() != id)
        return Error{ErrorKind::corrupt, "the statement is not that of block " + id.hex()};
    StatementCheck check;
    const auto& header = statement.header;
    check.challenge_ = fold_challenge(header, statement.root());
    check.extended_folds_ = coding::extend_folds(header.data_rows, header.rows, statement.folds);
    check.statement_ = std::move(statement);
    return check;
}

Status StatementCheck::check_fold(std::uint32_t index, ByteSpan row) const {
    std::array<std::uint8_t, coding::kFoldSize> fold{};
    coding::fold_row(row, challenge_, fold);
    const auto expected = ByteSpan(extended_folds_)
                              .subspan(std::size_t{index} * coding::kFoldSize, coding::kFoldSize);
    if (!std::equal(expected.begin(), expected.end(), fold.begin()))
        return Error{ErrorKind::corrupt,
                     "row " + std::to_string(index) + " does not belong to the code"};
    return {};
}

Status StatementCheck::check_slot(std::uint32_t slot, std::span<const ByteSpan> rows) const {
    const auto& head = header();
    if (slot >= head.slots || rows.size() != head.rows_per_slot())
        return Error{ErrorKind::corrupt, "slot " + std::to_string(slot) + " needs " +
                                             std::to_string(head.rows_per_slot()) + " rows, got " +
                                             std::to_string(rows.size())};
    std::vector<Digest> digests;
    std::vector<coding::Row> indexed;
    for (const auto row : rows) {
        const auto index = slot + static_cast<std::uint32_t>(digests.size()) * head.slots;
        indexed.push_back({index, row});
        digests.push_back(row_digest(row));
    }
    return check_rows(slot, digests, indexed);
}

Status StatementCheck::check_rows(std::uint32_t slot, std::span<const Digest> digests,
                                  std::span<const coding::Row> rows) const {
    const auto& head = header();
    if (slot >= head.slots || digests.size() != head.rows_per_slot())
        return Error{ErrorKind::corrupt,
                     "slot " + std::to_string(slot) + " does not fit the block's shape"};
    if (slot_leaf(slot, digests) != statement_.leaves[slot])
        return Error{ErrorKind::corrupt,
                     "slot " + std::to_string(slot) + " is not the one that was committed to"};
    for (const auto& row : rows) {
        if (row.index >= head.rows || row.index % head.slots != slot ||
            row.bytes.size() != head.row_size ||
            row_digest(row.bytes) != digests[row.index / head.slots])
            return Error{ErrorKind::corrupt, "row " + std::to_string(row.index) +
                                                 " is not the one that was committed to"};
        TRY_VOID(check_fold(row.index, row.bytes));
    }
    return {};
}

Status check_commitments(std::span<const Statement* const> statements, const Digest& weights_seed) {
    std::vector<std::vector<crypto::Scalar>> scalars;
    std::vector<std::span<const crypto::Scalar>> vectors;
    std::vector<crypto::KzgCommitment> commitments;
    for (const auto* statement : statements) {
        scalars.push_back(leaf_scalars(statement->leaves));
        commitments.push_back(statement->commitment);
    }
    vectors.reserve(scalars.size());
    for (const auto& vector : scalars) vectors.emplace_back(vector);
    if (!crypto::verify_commitments(commitments, vectors, weights_seed))
        return Error{ErrorKind::corrupt,
                     "the KZG commitment is not that of the block's slot digests"};
    return {};
}

Result<Bytes> recover_content(const StatementCheck& check, std::span<const coding::Row> rows) {
    const auto& header = check.header();
    const std::size_t data_size = std::size_t{header.data_rows} * header.row_size;
    Bytes all(std::size_t{header.rows} * header.row_size);
    const MutableByteSpan span(all);
    TRY_VOID(coding::decode(header.shape(), rows, span.first(data_size)));
    coding::encode(header.shape(), span.first(data_size), span.subspan(data_size));

    const auto leaves = compute_leaves(header, [&](std::uint32_t i) {
        return ByteSpan(all).subspan(std::size_t{i} * header.row_size, header.row_size);
    });
    std::uint32_t rows_matching = 0;
    for (std::uint32_t slot = 0; slot < header.slots; ++slot)
        if (leaves[slot] == check.statement().leaves[slot]) rows_matching += header.rows_per_slot();
    const std::uint32_t rows_needed = (header.rows + header.data_rows) / 2 + 1;
    if (rows_matching < rows_needed)
        return Error{ErrorKind::unavailable,
                     "unresolved: only " + std::to_string(rows_matching) + " of " +
                         std::to_string(header.rows) + " rows agree with the commitment, " +
                         std::to_string(rows_needed) + " needed; more rows must be fetched"};
    // Padding is zero in the one canonical form of the content.
    if (std::any_of(all.begin() + static_cast<std::ptrdiff_t>(header.length),
                    all.begin() + static_cast<std::ptrdiff_t>(data_size),
                    [](std::uint8_t byte) { return byte != 0; }))
        return Error{ErrorKind::corrupt, "the block's padding is not zero"};
    all.resize(header.length);
    return all;
}

}  // namespace mutirao::block
