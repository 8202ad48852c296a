// The bytes in which shares travel: from a disperser to a node, and rows from a node to a reader.
// They go as they are over any Network; docs/reference/block-format.md describes them. Whether they
// are what a block's statement commits to is for StatementCheck to say. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "block/statement.hpp"

namespace mutirao::block {

// Some slots of a block for the node that holds them:
//   id (32) | epoch u64 | sign u8 | statement blob | slot count u16 | row size u32 | slots u16 each
//   | all rows of the first slot, then of the second, ...
struct ShareMessage {
    BlockId id;
    std::uint64_t epoch = 0;
    bool sign = false;   // the node is asked for its signature afterwards
    ByteSpan statement;  // Statement::encode(), or empty when the node knows it
    std::vector<SlotRows> slots;

    static constexpr std::size_t kStatementMax = 256 << 10;  // bytes; profile S has 72 KiB

    // Everything before the rows, which follow as they are: a sender need not join them.
    Bytes encode_head() const;
    // corrupt on anything that is no such message. The result borrows `bytes`. Every slot has the
    // same number of rows, at least one, and every row the same size, a multiple of 128.
    static Result<ShareMessage> decode(ByteSpan bytes);
};

// Rows of some slots as a node serves them:
//   slot count u16 | row size u32 | for each slot: slot u16 | digest count u16 | row count u16
//   | digests | row indexes u32 each || then the rows, in the same order
struct ServedMessage {
    struct Slot {
        std::uint32_t slot = 0;
        std::vector<Digest> digests;  // of all the slot's rows, in order
        std::vector<coding::Row> rows;
    };
    std::vector<Slot> slots;

    // The head, with room for the rows behind it: the node reads them to where they are sent from.
    // The rows' bytes are looked at for their number only; each is `row_size` bytes.
    static Bytes encode_head(std::span<const Slot> slots, std::uint32_t row_size);
    // Where the rows begin in what encode_head() gave.
    static std::size_t head_size(std::span<const Slot> slots);
    // corrupt on anything that is no such message. The result borrows `bytes`.
    static Result<ServedMessage> decode(ByteSpan bytes);
};

}  // namespace mutirao::block
