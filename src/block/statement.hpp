// What a disperser states about a block, what a node checks before it signs, and how a reader knows
// that what it decoded is the block. protocol.md sections 2-5; docs/explanation/security.md says
// exactly what each check proves. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "block/coded_rows.hpp"
#include "block/header.hpp"
#include "crypto/kzg.hpp"

namespace mutirao::block {

// Everything that is bound by the block's id; about 24 KiB at k = 1024. Travels with every share.
struct Statement {
    Header header;
    std::vector<Digest> leaves;        // vec: one digest a slot, kSlotCount of them
    crypto::KzgCommitment commitment;  // C: KZG commitment to the leaves as scalars
    Bytes folds;                       // Z: folds of the k data rows, 16 bytes each

    // id = BLAKE3_keyed(K_id, header | R | C | zroot).
    BlockId id() const;
    // R = BLAKE3_keyed(K_vec, header | leaves).
    Digest root() const;

    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<Statement> decode(ByteSpan bytes);
};

// A coded block: its statement and its n rows, one after another.
struct CodedBlock {
    Statement statement;
    Bytes rows;  // n * row_size bytes

    ByteSpan row(std::uint32_t index) const;
};

// Codes `content` (ciphertext, at most kBlockSizeMax bytes) and states it. `header` gives cipher,
// key commitment and extra; its shape and length are chosen here. Working memory: 3 times the
// content. Cost for 32 MiB: encode + hash 96 MiB + fold 32 MiB + one KZG commitment.
Result<CodedBlock> code_block(ByteSpan content, Header header);

// r_i = BLAKE3_keyed(K_row, row).
Digest row_digest(ByteSpan row);
// leaf_s = BLAKE3_keyed(K_slot, LE32(s) | r_s | r_{s+m} | ...). `row_digests` in that order.
Digest slot_leaf(std::uint32_t slot, std::span<const Digest> row_digests);

// A node's or reader's view of one stated block: opened once, then each row is checked against it.
class StatementCheck {
  public:
    // Recomputes id from the statement (corrupt when it is not `id`), derives the fold challenge
    // and extends the folds to all rows. Does not check the KZG commitment: see check_commitments.
    static Result<StatementCheck> open(const BlockId& id, Statement statement);

    const Statement& statement() const { return statement_; }
    const Header& header() const { return statement_.header; }

    // The rows of one slot, in order s, s+m, ...: hashes to the stated leaf and every row folds as
    // the code demands. corrupt, naming slot and row, otherwise.
    Status check_slot(std::uint32_t slot, std::span<const ByteSpan> rows) const;

    // Some rows of one slot. `digests` are those of all the slot's rows, in order; the rows are any
    // of them. corrupt, naming slot or row, unless digests and rows are what was committed to and
    // every row folds as the code demands.
    Status check_rows(std::uint32_t slot, std::span<const Digest> digests,
                      std::span<const coding::Row> rows) const;

  private:
    Status check_fold(std::uint32_t index, ByteSpan row) const;

    Statement statement_;
    Bytes challenge_;       // 8 pseudo-rows
    Bytes extended_folds_;  // n * 16 bytes
};

// Whether every statement's KZG commitment is that of its leaves, in one batch with fresh weights
// from `weights_seed` (secret, node-local, never reused). corrupt otherwise.
Status check_commitments(std::span<const Statement* const> statements, const Digest& weights_seed);

// Decodes and applies the canonical-content rule: re-encodes what it decoded and accepts only when
// the hashes of at least floor((n+k)/2)+1 rows are the stated ones. `rows` must have passed
// check_rows. `unavailable` with fewer than k rows or when the block stays unresolved.
// Result: header.length bytes of content.
Result<Bytes> recover_content(const StatementCheck& check, std::span<const coding::Row> rows);

}  // namespace mutirao::block
