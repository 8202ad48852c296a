// Proof that a slot of a certified block is still there, for whoever knows no more of the block
// than the commitment in its certificate. Pure; any thread.
//
// The opening shows the slot's leaf under C; the leaf binds the digests of all the slot's rows; a
// digest binds the row that was drawn. Without the row nobody can answer, and nobody knows which
// one it will be. What is sent is bounded whatever the block: at most 35 KiB.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "block/statement.hpp"

namespace mutirao::block {

struct SlotProof {
    crypto::KzgProof opening;     // of C at the slot
    std::vector<Digest> digests;  // of all rows of the slot, in the slot's order
    Bytes row;                    // the drawn one

    static constexpr std::size_t kRowsMax = 64;           // of a slot, in any profile
    static constexpr std::size_t kRowSizeMax = 32 << 10;  // bytes, of a block of 32 MiB
    static constexpr std::size_t kSizeMax =
        crypto::KzgProof::kSize + 4 + kRowsMax * Digest::kSize + 4 + kRowSizeMax;

    // opening 48 | count u32 | digests | row u32+bytes
    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<SlotProof> decode(ByteSpan bytes);
};

// Which of a slot's `rows` rows (at least one) a draw asks for: its place in the slot.
std::uint32_t drawn_row(const Digest& draw, std::size_t rows);

// `digests` and `row` are the slot's as they were stored. 3.7 ms.
SlotProof prove_slot(const Statement& statement, std::uint32_t slot, std::vector<Digest> digests,
                     Bytes row);

// permission_denied, saying what does not fit, unless the proof shows the row that `draw` asks for
// of the slot under the commitment. 1.1 ms, and hashing one row.
Status verify_slot_proof(const crypto::KzgCommitment& commitment, std::uint32_t slot,
                         const Digest& draw, const SlotProof& proof);

}  // namespace mutirao::block
