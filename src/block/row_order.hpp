// Which rows are in which slot. docs/reference/block-format.md. Pure; any thread.
//
// The wide profile deals rows out with a stride: slot s holds rows s, s+m, s+2m, ... Profile S
// deals them out in an order drawn from the rows and their folds, so that nobody can choose rows or
// folds by what a given slot's holders will see: a node's slots are a random sample of all rows.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "block/header.hpp"

namespace mutirao::block {

class RowOrder {
  public:
    // The order of no rows.
    RowOrder() = default;
    // rows s, s+slots, ... in slot s. `rows` is a multiple of `slots`.
    static RowOrder strided(std::uint32_t rows, std::uint32_t slots);
    // The same, of the permutation of the rows that B("permutation"; seed) gives; the seed may have
    // any length. 16384 rows: 0.2 ms and 128 KiB.
    static RowOrder shuffled(ByteSpan seed, std::uint32_t rows, std::uint32_t slots);

    // The row at place j of a slot; slot < slots and j < rows / slots.
    std::uint32_t row_at(std::uint32_t slot, std::uint32_t j) const {
        const auto place = j * slots_ + slot;
        return rows_.empty() ? place : rows_[place];
    }
    // Where a row lies; row < rows.
    std::uint32_t slot_of(std::uint32_t row) const { return place_of(row) % slots_; }
    std::uint32_t place_in_slot(std::uint32_t row) const { return place_of(row) / slots_; }

  private:
    std::uint32_t place_of(std::uint32_t row) const { return places_.empty() ? row : places_[row]; }

    std::uint32_t slots_ = 1;
    std::vector<std::uint32_t> rows_;    // [place]; empty when row i stands at place i
    std::vector<std::uint32_t> places_;  // [row], the inverse
};

// Fisher-Yates from the top: for i = count-1 down to 1, the next little-endian u32 w of `stream`,
// skipped while it is not below the largest multiple of i+1 up to 2^32, swaps place i with place
// w mod (i+1). Nothing when the stream ends first.
std::optional<std::vector<std::uint32_t>> permute(std::uint32_t count, ByteSpan stream);

}  // namespace mutirao::block
