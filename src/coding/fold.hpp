// The fold of a row: 16 bytes that are linear in the row, so that the folds of all rows of a coded
// block are the folds of its data rows under the same code. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "coding/row_buffer.hpp"

namespace mutirao::coding {

inline constexpr std::uint32_t kFoldCoordinates = 8;  // elements of F16 in one fold of a row
inline constexpr std::uint32_t kFoldSize = 16;        // bytes of one fold: 8 little-endian u16
// More rows than this side by side gain nothing.
inline constexpr std::size_t kFoldRowsMax = 16;

// The challenge h: kFoldCoordinates pseudo-rows of row_size bytes each. Coordinate g of a row's
// fold is the sum over its elements j of row[j] * h_g[j].
class FoldChallenge {
  public:
    FoldChallenge() = default;
    // `pseudo_rows`: 8 * row_size bytes, one pseudo-row after another, in row layout. row_size is a
    // multiple of 128. Keeps 12 bytes for each byte of a row.
    explicit FoldChallenge(ByteSpan pseudo_rows);

    std::size_t row_size() const { return row_size_; }

    // out: kFoldSize bytes. A row of another size is a broken assumption.
    void fold(ByteSpan row, MutableByteSpan out) const;
    // Folds `count` rows; row i begins at rows + i * stride. out: count * kFoldSize bytes.
    // Cost: 24 byte products for every two bytes.
    void fold_rows(const std::uint8_t* rows, std::size_t stride, std::size_t count,
                   MutableByteSpan out) const;

    // The same in steps, for rows whose columns pass by piece by piece. The sums of a row that is
    // being folded; zero to begin with.
    using Sums = std::array<std::uint8_t, std::size_t{kFoldCoordinates} * 192>;
    // Columns [column, column + columns.size()), multiples of 128, of one row.
    void add(Sums& sums, std::size_t column, ByteSpan columns) const;
    static void finish(const Sums& sums, MutableByteSpan out);

  private:
    std::size_t row_size_ = 0;
    RowBuffer prepared_;
};

// One row, one fold: FoldChallenge(challenge).fold(row, out).
void fold_row(ByteSpan row, ByteSpan challenge, MutableByteSpan out);

// Extends the folds of the k data rows to all n rows with the same code.
//   data_folds: k * 16 bytes; result: n * 16 bytes
Bytes extend_folds(std::uint32_t data_rows, std::uint32_t rows, ByteSpan data_folds);

}  // namespace mutirao::coding
