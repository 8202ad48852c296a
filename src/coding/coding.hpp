// Systematic Reed-Solomon over GF(2^16) with an additive FFT, and the fold check on coded rows.
//
// The code (docs/reference/coding.md): {(f(w_0), ..., f(w_{n-1})) : deg f < k} over the tower field
// F16 = F8[x]/(x^2+x+0x20), F8 the AES field, on the Cantor basis. It is MDS: any k of the n rows
// give back the data. Rows 0..k-1 are the data, verbatim. Transform: Lin, Chung, Han, "Novel
// Polynomial Basis and Its Application to Reed-Solomon Erasure Codes" (FOCS 2014).
//
// A row is `row_size` bytes, a multiple of 128: each 128-byte group is 64 low bytes followed by the
// 64 high bytes of 64 field elements. Everything here is pure and may be called from any thread.
// Rows may stand anywhere; aligned to 64 bytes (RowBuffer) they are written faster.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "base/parallel.hpp"
#include "coding/fold.hpp"
#include "coding/row_buffer.hpp"

namespace mutirao::coding {

inline constexpr std::uint32_t kRowGroup = 128;  // bytes; row sizes are multiples of it
inline constexpr std::uint32_t kRowsMax = 65536;
inline constexpr std::uint32_t kDataRowsMin = 64;
inline constexpr std::uint32_t kDataRowsMax = 16384;

// Which code: `data_rows` = k, a power of two in [64, 16384]; `rows` = n in (k, 65536].
struct Shape {
    std::uint32_t data_rows;
    std::uint32_t rows;
    std::uint32_t row_size;  // bytes

    // invalid_argument, naming the bad number, unless the limits above hold.
    Status validate() const;
    std::size_t data_size() const { return std::size_t{data_rows} * row_size; }
    std::size_t parity_size() const { return std::size_t{rows - data_rows} * row_size; }
};

// Columns of some neighbouring rows, seen while they are in the cache.
struct Piece {
    std::uint32_t first_row, rows;  // at most 64; `first_row` is a multiple of 64
    std::size_t column, bytes;      // a multiple of 128
    const std::uint8_t* data;       // row first_row + i of the piece begins at data + i * stride
    std::size_t stride;
    unsigned worker;  // which of Threads::workers() calls
};

// Is shown every byte of all n rows once. For each row, a worker shows the columns of one kilobyte,
// [1024 c, 1024 (c + 1)), or what there is of it, in ascending order and before it goes on to
// another kilobyte. Calls of different workers run at the same time.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual void see(const Piece& piece) = 0;
};

// Computes rows [k, n) from the data rows.
//   data:   k * row_size bytes, row after row
//   parity: (n - k) * row_size bytes, written row after row; a shorter one of an earlier call is
//           its front: more rows are appended without touching others. Empty with an observer:
//           parity rows are shown to it and kept nowhere
// Sizes that do not match the shape are a broken assumption. Cost: 1 + (n-k)/k transforms of size k
// over every column, (n / k) k log2(k) / 2 products an element. Working memory: at most
// 512 KiB + 256 bytes * k a thread, times two where n > 2k.
void encode(const Shape& shape, ByteSpan data, MutableByteSpan parity, const Threads& threads = {},
            Observer* observer = nullptr);

// One row that a decoder was given.
struct Row {
    std::uint32_t index;  // in [0, n)
    ByteSpan bytes;       // row_size bytes, borrowed
};

// Rebuilds the k data rows from any k distinct rows.
//   rows: at least k rows; the first k distinct ones are used, data rows preferred
//   data: k * row_size bytes, written row after row; must not overlap the rows
// Fails with `unavailable` when fewer than k distinct rows are given (the message says how many of
// how many), and with `invalid_argument` on an index or a size outside the shape. Whether the rows
// are the right ones is the caller's to check (block/ does) before or after.
// Cost: a copy when all data rows are there; one inverse and one forward transform for a whole
// aligned coset; else an inverse transform over the next power of two above the last row used, a
// formal derivative and a forward transform of size k. Working memory a thread: a stripe of that
// many rows, 512 KiB or 256 bytes a row, whichever is more.
Status decode(const Shape& shape, std::span<const Row> rows, MutableByteSpan data,
              const Threads& threads = {});

// Rebuilds only the rows that are wanted, data or parity, from any k distinct rows.
//   wanted: row numbers below n, in any order, also more than once
//   out:    wanted.size() * row_size bytes, written in that order; must not overlap the rows
// Fails as decode does. Cost: k products an element of each wanted row for a few of them (a slot);
// two transforms over the next power of two above the last row named for many. Never needs room
// for the block.
Status repair(const Shape& shape, std::span<const Row> rows, std::span<const std::uint32_t> wanted,
              MutableByteSpan out, const Threads& threads = {});

}  // namespace mutirao::coding
