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

inline CodedBlock code(std::size_t size, std::uint64_t seed = 1, Profile profile = Profile::wide) {
    Header header;
    header.version = profile;
    return code_block(content_of(size, seed), header).value();
}
inline CodedBlock code_sampled(std::size_t size, std::uint64_t seed = 1) {
    return code(size, seed, Profile::sampled);
}

inline MutableByteSpan row_of(CodedBlock& coded, std::uint32_t index) {
    const std::size_t size = coded.statement.header.row_size;
    return MutableByteSpan(coded.rows).subspan(index * size, size);
}

inline std::vector<ByteSpan> slot_rows(const CodedBlock& coded, std::uint32_t slot) {
    return coded.slot(slot).rows;
}

inline std::vector<SlotRows> share_of(const CodedBlock& coded,
                                      std::span<const std::uint32_t> slots) {
    std::vector<SlotRows> share;
    for (const auto slot : slots) share.push_back(coded.slot(slot));
    return share;
}

inline std::vector<Digest> slot_digests(const CodedBlock& coded, std::uint32_t slot) {
    std::vector<Digest> digests;
    for (const auto row : slot_rows(coded, slot)) digests.push_back(row_digest(row));
    return digests;
}

inline std::vector<Digest> row_digests(const CodedBlock& coded) {
    std::vector<Digest> digests;
    for (std::uint32_t i = 0; i < coded.statement.header.rows; ++i)
        digests.push_back(row_digest(coded.row(i)));
    return digests;
}

// Folds of the data rows, as the statement's challenge demands.
inline void state_folds(CodedBlock& coded) {
    auto& statement = coded.statement;
    const auto challenge = statement.fold_challenge();
    statement.folds.resize(std::size_t{statement.header.data_rows} * coding::kFoldSize);
    for (std::uint32_t i = 0; i < statement.header.data_rows; ++i)
        coding::fold_row(
            coded.row(i), challenge,
            MutableByteSpan(statement.folds).subspan(i * coding::kFoldSize, coding::kFoldSize));
}

// Leaves and commitment that agree with the rows, dealt out as coded.order says.
inline void state_leaves(CodedBlock& coded) {
    auto& statement = coded.statement;
    statement.leaves.clear();
    std::vector<crypto::Scalar> scalars;
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
        statement.leaves.push_back(slot_leaf(slot, slot_digests(coded, slot)));
        scalars.push_back(crypto::to_scalar(statement.leaves.back()));
    }
    statement.commitment = crypto::commit(scalars);
}

// States whatever the rows are now: everything in the statement agrees with them.
inline void state_again(CodedBlock& coded) {
    auto& statement = coded.statement;
    if (statement.header.version == Profile::sampled) {
        coded.tree = RowTree(row_digests(coded));
        statement.rows_root = coded.tree.root();
        state_folds(coded);
    }
    coded.order = statement.row_order();
    state_leaves(coded);
    if (statement.header.version == Profile::wide) state_folds(coded);
}

inline StatementCheck open(const CodedBlock& coded) {
    return StatementCheck::open(coded.statement.id(), coded.statement).value();
}

inline Status check_commitment(const Statement& statement) {
    const Statement* const one[] = {&statement};
    return check_commitments(one, SeededRandom(99).fixed<Digest>());
}

inline Status check_share(const StatementCheck& check, const CodedBlock& coded,
                          std::span<const std::uint32_t> slots) {
    return check.check_share(share_of(coded, slots), coded.prove_share(slots));
}

inline void flip(MutableByteSpan bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
}

// How many slots pass check_slot, each with its proof in profile S.
inline std::uint32_t slots_passing(const StatementCheck& check, const CodedBlock& coded) {
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot)
        count += check.check_slot(slot, slot_rows(coded, slot), coded.prove_share({&slot, 1})).ok();
    return count;
}

}  // namespace mutirao::block
