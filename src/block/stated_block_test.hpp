// Blocks for tests: honest ones, and ones that a cheating disperser states over rows of its choice.
#pragma once

#include <algorithm>

#include "base/random.hpp"
#include "block/statement.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {

inline Bytes content_of(std::size_t size, std::uint64_t seed = 1) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

inline CodedBlock code(std::size_t size, std::uint64_t seed = 1) {
    return code_block(content_of(size, seed), {}).value();
}

inline MutableByteSpan row_of(CodedBlock& coded, std::uint32_t index) {
    const std::size_t size = coded.statement.header.row_size;
    return MutableByteSpan(coded.rows).subspan(index * size, size);
}

inline std::vector<ByteSpan> slot_rows(const CodedBlock& coded, std::uint32_t slot) {
    std::vector<ByteSpan> rows;
    for (std::uint32_t i = slot; i < coded.statement.header.rows; i += kSlotCount)
        rows.push_back(coded.row(i));
    return rows;
}

inline std::vector<Digest> slot_digests(const CodedBlock& coded, std::uint32_t slot) {
    std::vector<Digest> digests;
    for (const auto row : slot_rows(coded, slot)) digests.push_back(row_digest(row));
    return digests;
}

// Challenge and folds of the data rows, as the statement's header and leaves demand.
inline void state_folds(CodedBlock& coded) {
    auto& statement = coded.statement;
    Bytes seed = statement.header.encode();
    const auto root = statement.root();
    seed.insert(seed.end(), root.bytes.begin(), root.bytes.end());
    Bytes challenge(std::size_t{coding::kFoldCoordinates} * statement.header.row_size);
    crypto::blake3_keyed_xof(crypto::domain_key("fold"), seed, challenge);
    statement.folds.resize(std::size_t{statement.header.data_rows} * coding::kFoldSize);
    for (std::uint32_t i = 0; i < statement.header.data_rows; ++i)
        coding::fold_row(
            coded.row(i), challenge,
            MutableByteSpan(statement.folds).subspan(i * coding::kFoldSize, coding::kFoldSize));
}

// States whatever the rows are now: leaves, commitment and folds that agree with them.
inline void state_again(CodedBlock& coded) {
    auto& statement = coded.statement;
    statement.leaves.clear();
    std::vector<crypto::Scalar> scalars;
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
        statement.leaves.push_back(slot_leaf(slot, slot_digests(coded, slot)));
        scalars.push_back(crypto::to_scalar(statement.leaves.back()));
    }
    statement.commitment = crypto::commit(scalars);
    state_folds(coded);
}

inline StatementCheck open(const CodedBlock& coded) {
    return StatementCheck::open(coded.statement.id(), coded.statement).value();
}

inline Status check_commitment(const Statement& statement) {
    const Statement* const one[] = {&statement};
    return check_commitments(one, SeededRandom(99).fixed<Digest>());
}

// How many slots pass check_slot.
inline std::uint32_t slots_passing(const StatementCheck& check, const CodedBlock& coded) {
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot)
        count += check.check_slot(slot, slot_rows(coded, slot)).ok();
    return count;
}

}  // namespace mutirao::block
