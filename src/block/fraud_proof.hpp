// Proof that a disperser committed to a row that is not the code's. Pure; any thread.
//
// A holder whose row hashes to its leaf but does not fold as the code demands can show so to
// anybody who knows no more than the block's id: the id binds the statement, the statement binds
// the slot's digests, a digest binds the row, and the folds in the statement say what the row had
// to be. The proof carries the whole statement instead of one opening of C: it is bound by hashes
// alone, so a broken trusted setup lets nobody accuse an honest disperser (docs/decisions/0007). An
// honest statement has no such row, whatever the challenge.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "block/statement.hpp"

namespace mutirao::block {

struct FraudProof {
    Statement statement;
    std::uint32_t row = 0;        // index in the code
    std::vector<Digest> digests;  // of all rows of its slot, in the slot's order
    Bytes bytes;                  // the row

    // Sizes follow from the header: at most 84,145 bytes, in profile S with rows of 8 KiB.
    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<FraudProof> decode(ByteSpan bytes);
};

// From a row that was refused and the digests that its slot has. invalid_argument when the row is
// good; corrupt when digests or row are not those that were committed to: then whoever sent them is
// at fault, not the disperser.
Result<FraudProof> prove_bad_row(const StatementCheck& check, const coding::Row& row,
                                 std::span<const Digest> digests);

// Numbers are part of the protocol.
enum class FraudVerdict : std::uint8_t {
    proven = 0,             // the block's disperser committed to a row that is not the code's
    other_block = 1,        // the statement is not that of the block
    row_not_committed = 2,  // the statement does not bind the row
    row_is_good = 3,        // it does, and the row folds as the code demands
};
std::string_view to_string(FraudVerdict verdict);

// What a proof says about the block `id`. Cost: the statement's hash, the folds' extension to all
// rows, one row.
FraudVerdict verify_fraud(const BlockId& id, const FraudProof& proof);

}  // namespace mutirao::block
