// What a disperser states about a block, what a node checks before it signs, and how a reader knows
// that what it decoded is the block. protocol.md sections 2-5; docs/reference/block-format.md has
// every byte, docs/explanation/security.md says exactly what each check proves. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "block/coded_rows.hpp"
#include "block/header.hpp"
#include "block/row_order.hpp"
#include "block/row_tree.hpp"
#include "coding/fold.hpp"
#include "crypto/aead.hpp"
#include "crypto/kzg.hpp"

namespace mutirao::block {

// Everything that is bound by the block's id; about 24 KiB at k = 1024, 72 KiB in profile S.
// Travels with every share.
struct Statement {
    Header header;
    Digest rows_root;                  // of the RowTree of all rows; profile S only, else zero
    std::vector<Digest> leaves;        // vec: one digest a slot, kSlotCount of them
    crypto::KzgCommitment commitment;  // C: KZG commitment to the leaves as scalars
    Bytes folds;                       // Z: folds of the k data rows, 16 bytes each

    // id = B("id"; header | R | C | B("z"; Z)).
    BlockId id() const;
    // R = B("vec"; header | rows_root in profile S | leaves).
    Digest root() const;

    // Which rows are in which slot. Profile S draws it from header, rows_root and folds, so nobody
    // knows who will check which rows before rows and folds are fixed.
    RowOrder row_order() const;
    // h: kFoldCoordinates pseudo-rows. Drawn from R, in profile S from header and rows_root, so
    // nobody knows it before all n rows are fixed.
    Bytes fold_challenge() const;

    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<Statement> decode(ByteSpan bytes);
    // Bytes of encode() for a block with this header.
    static std::size_t encoded_size(const Header& header);
};

// All rows of one slot, in the order of RowOrder. The rows are borrowed.
struct SlotRows {
    std::uint32_t slot;
    std::vector<ByteSpan> rows;
};

// The digests of all rows of one slot, in the order of RowOrder. Borrowed.
struct SlotDigests {
    std::uint32_t slot;
    std::span<const Digest> digests;
};

// Some rows of one slot, and the digests of all its rows, in the order of RowOrder. Borrowed.
struct PartialSlot {
    std::uint32_t slot;
    std::span<const Digest> digests;
    std::span<const coding::Row> rows;
};

// Digests that were shown to be under a statement's rows_root, and what showed it. Made by
// StatementCheck::prove_digests alone.
class ProvenDigests {
  public:
    std::span<const PlacedDigest> rows() const { return rows_; }
    std::span<const Digest> proof() const { return proof_; }
    // The rows_root that they are under.
    const Digest& root() const { return root_; }

  private:
    friend class StatementCheck;
    Digest root_;
    std::vector<PlacedDigest> rows_;  // ascending
    std::vector<Digest> proof_;
};

// A coded block: its statement and its n rows, one after another.
struct CodedBlock {
    Statement statement;
    coding::RowBuffer rows;  // n * row_size bytes
    RowOrder order;          // statement.row_order()
    RowTree tree;            // over all rows' digests; profile S only

    ByteSpan row(std::uint32_t index) const;
    SlotRows slot(std::uint32_t slot) const;
    // What a share of these slots (distinct, at least one) travels with: see check_share. Empty in
    // the wide profile.
    std::vector<Digest> prove_share(std::span<const std::uint32_t> slots) const;
};

// Codes `content` (ciphertext, at most kBlockSizeMax bytes) and states it. `header` gives version,
// cipher, key commitment and extra; its shape and length are chosen here. Memory: the n rows, and
// about 4 MiB a thread for 32 MiB. Cost for 32 MiB: encode + hash all rows + fold 32 MiB + one KZG
// commitment; profile S also 16384 hashes of 64 bytes and the drawing of the order.
Result<CodedBlock> code_block(ByteSpan content, Header header, const Threads& threads = {});
// The same without a copy, for content that is at the front of `rows` already: rows.size() is its
// length, and a capacity of n * row_size keeps it where it is. `rows` becomes CodedBlock::rows;
// who codes block after block moves that back, as fresh memory costs more than the coding.
Result<CodedBlock> code_in_place(coding::RowBuffer rows, Header header,
                                 const Threads& threads = {});
// Encrypts and codes: byte i of a plaintext of `plain_size` bytes is
// rows[crypto::place_to_seal(i)], and rows.size() is crypto::sealed_size(plain_size). The header's
// cipher and key commitment are set here.
struct Sealing {
    const crypto::Key& key;
    std::uint32_t sequence;  // see crypto::seal
    ByteSpan associated;
};
Result<CodedBlock> seal_and_code(coding::RowBuffer rows, const Sealing& sealing, Header header,
                                 const Threads& threads = {});

// leaf_s = B("slot"; s as u32 | r of its rows). `row_digests` in the slot's order.
Digest slot_leaf(std::uint32_t slot, std::span<const Digest> row_digests);
// The leaves of all slots, from the digests of all n rows in row order.
std::vector<Digest> slot_leaves(const RowOrder& order, const Header& header,
                                std::span<const Digest> row_digests);

// A node's or reader's view of one stated block: opened once, then each row is checked against it.
class StatementCheck {
  public:
    // Recomputes id from the statement (corrupt when it is not `id`), derives the fold challenge
    // and the order of the rows, and extends the folds to all rows. Does not check the KZG
    // commitment: see check_commitments.
    static Result<StatementCheck> open(const BlockId& id, Statement statement);

    const Statement& statement() const { return statement_; }
    const Header& header() const { return statement_.header; }
    const RowOrder& order() const { return order_; }

    // What a node checks before it signs: all of its slots at once, distinct and at least one.
    // Every slot hashes to its stated leaf, every row folds as the code demands, and in profile S
    // `proof` (CodedBlock::prove_share) shows that the rows are those that rows_root was made of.
    // corrupt, naming slot or row, otherwise. Each row is read once.
    Status check_share(std::span<const SlotRows> share, std::span<const Digest> proof = {},
                       const Threads& threads = {}) const;
    // The same, and the digests of all rows, slot after slot: what a node keeps beside the rows.
    Result<std::vector<Digest>> digest_share(std::span<const SlotRows> share,
                                             std::span<const Digest> proof = {},
                                             const Threads& threads = {}) const;

    // What a reader checks: one slot, as a share of its own.
    Status check_slot(std::uint32_t slot, std::span<const ByteSpan> rows,
                      std::span<const Digest> proof = {}) const;

    // Some rows of one slot. `digests` are those of all the slot's rows, in order; the rows are any
    // of them; in profile S `proof` is that of the slot. corrupt, naming slot or row, unless
    // digests and rows are what was committed to and every row folds as the code demands.
    Status check_rows(std::uint32_t slot, std::span<const Digest> digests,
                      std::span<const coding::Row> rows, std::span<const Digest> proof = {}) const;

    // The same for rows of several slots in the wide profile, hashed sixteen at a time.
    Status check_rows(std::span<const PartialSlot> parts, const Threads& threads = {}) const;

    // Profile S: that these are the digests of the rows of these slots (distinct, at least one)
    // under rows_root. recover_content counts by what was proven so.
    Result<ProvenDigests> prove_digests(std::span<const SlotDigests> slots,
                                        std::span<const Digest> proof) const;

    // The same without the folds: that these bytes are what was committed to. fraud_proof.hpp shows
    // a row that was, and does not fold.
    Status check_committed(std::uint32_t slot, std::span<const Digest> digests,
                           const coding::Row& row) const;
    // Whether a row of row_size bytes, index < n, folds as the code demands.
    bool row_folds(std::uint32_t index, ByteSpan row) const;

  private:
    // What is known of rows once each was hashed and folded.
    struct RowSet {
        std::vector<Digest> digests;
        std::optional<std::uint32_t> misfit;  // the first row that is not the code's
    };
    RowSet check_row_set(std::span<const coding::Row> rows, const Threads& threads) const;
    bool has_fold(std::uint32_t index, ByteSpan fold) const;
    Status check_digests(std::uint32_t slot, std::span<const Digest> digests) const;
    Status check_proof_fits(std::size_t slots, std::span<const Digest> proof) const;
    Status check_row_digest(std::uint32_t slot, std::span<const Digest> digests,
                            const coding::Row& row) const;
    Status place_rows(const SlotRows& slot, std::vector<coding::Row>& rows) const;

    Statement statement_;
    RowOrder order_;
    coding::FoldChallenge challenge_;
    Bytes extended_folds_;  // n * 16 bytes
};

// Whether every statement's KZG commitment is that of its leaves, in one batch with fresh weights
// from `weights_seed` (secret, node-local, never reused). corrupt otherwise.
Status check_commitments(std::span<const Statement* const> statements, const Digest& weights_seed);

// The same, shown to those who do not have the leaves, by those who do: the polynomial of the
// leaves is opened at a point that is drawn from the block's id, which binds leaves and commitment.
// What a node signs is leaf_value(); the disperser adds open_leaves(), and check_opening() of the
// two says whether the commitment is that of the leaves that the node has seen
// (crypto::verify_point).
Digest commitment_challenge(const BlockId& id);  // what the point is drawn by
crypto::KzgValue leaf_value(const Statement& statement, const BlockId& id);
crypto::KzgProof open_leaves(const Statement& statement, const BlockId& id,
                             const Threads& threads = {});
bool check_opening(const BlockId& id, const crypto::KzgCommitment& commitment,
                   const crypto::KzgValue& value, const crypto::KzgProof& proof);

// Decodes and applies the canonical-content rule: re-encodes what it decoded and accepts only when
// the digests of at least ceil((n+k)/2) rows are the committed ones; no two contents can both reach
// that. The wide profile counts whole slots, by their leaves. Profile S counts rows under
// rows_root: all of them when the root comes out the same, else those that `proven` shows (the
// proofs of a third of the slots show nearly all rows). `rows` must have passed check_share,
// check_slot or check_rows. Never anything but these outcomes:
//   header.length bytes, the one content of the block;
//   `unavailable` with fewer than k rows, or "unresolved": too few rows agree, fetch more;
//   `corrupt`: the block has no content, whoever reads it (padding that is not zero);
//   `invalid_argument` for rows that no such block has, and for what was proven of another one.
Result<Bytes> recover_content(const StatementCheck& check, std::span<const coding::Row> rows,
                              std::span<const ProvenDigests> proven = {},
                              const Threads& threads = {});

}  // namespace mutirao::block
