// Systematic Reed-Solomon over GF(2^16) with an additive FFT, and the fold check on coded rows.
//
// The code (docs/reference/coding.md): {(f(w_0), ..., f(w_{n-1})) : deg f < k} over the tower field
// F16 = F8[x]/(x^2+x+0x20), F8 the AES field, on the Cantor basis. It is MDS: any k of the n rows
// give back the data. Rows 0..k-1 are the data, verbatim. Transform: Lin, Chung, Han, "Novel
// Polynomial Basis and Its Application to Reed-Solomon Erasure Codes" (FOCS 2014).
//
// A row is `row_size` bytes, a multiple of 128: each 128-byte group is 64 low bytes followed by the
// 64 high bytes of 64 field elements. Everything here is pure and may be called from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::coding {

inline constexpr std::uint32_t kRowGroup = 128;  // bytes; row sizes are multiples of it
inline constexpr std::uint32_t kRowsMax = 65536;
inline constexpr std::uint32_t kDataRowsMin = 64;
inline constexpr std::uint32_t kDataRowsMax = 16384;
inline constexpr std::uint32_t kFoldCoordinates = 8;  // elements of F16 in one fold of a row
inline constexpr std::uint32_t kFoldSize = 16;        // bytes of one fold: 8 little-endian u16

// Which code: `data_rows` = k, a power of two in [64, 16384]; `rows` = n in (k, 65536].
struct Shape {
    std::uint32_t data_rows;
    std::uint32_t rows;
    std::uint32_t row_size;  // bytes

    // invalid_argument, naming the bad number, unless the limits above hold.
    Status validate() const;
};

// Computes rows [k, n) from the data rows.
//   data:   k * row_size bytes, row after row
//   parity: (n - k) * row_size bytes, written row after row
// Sizes that do not match the shape are a broken assumption. Cost: about (1 + (n-k)/k) transforms
// of size k over every column; working memory one stripe of k KiB.
void encode(const Shape& shape, ByteSpan data, MutableByteSpan parity);

// One row that a decoder was given.
struct Row {
    std::uint32_t index;  // in [0, n)
    ByteSpan bytes;       // row_size bytes, borrowed
};

// Rebuilds the k data rows from any k distinct rows.
//   rows: at least k rows; the first k distinct ones are used, data rows preferred
//   data: k * row_size bytes, written row after row
// Fails with `unavailable` when fewer than k distinct rows are given (the message says how many of
// how many), and with `invalid_argument` on an index or a size outside the shape. Whether the rows
// are the right ones is the caller's to check (block/ does) before or after.
// Cost: a copy when all data rows are there; one inverse and one forward transform for a whole
// aligned coset; else two transforms of size 2^ceil(log2 n) and a formal derivative.
Status decode(const Shape& shape, std::span<const Row> rows, MutableByteSpan data);

// The fold challenge h: kFoldCoordinates pseudo-rows of row_size bytes each, one after another,
// in row layout. Fold of a row: coordinate g is the sum over its elements j of row[j] * h_g[j].
// out: kFoldSize bytes, 8 little-endian u16.
// row and challenge sizes that do not match are a broken assumption.
void fold_row(ByteSpan row, ByteSpan challenge, MutableByteSpan out);

// Extends the folds of the k data rows to all n rows with the same code: folding is linear, so the
// fold of every honest row is the coded fold.
//   data_folds: k * 16 bytes; result: n * 16 bytes
Bytes extend_folds(std::uint32_t data_rows, std::uint32_t rows, ByteSpan data_folds);

}  // namespace mutirao::coding
