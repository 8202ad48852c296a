// The transforms over a stripe: as many columns of all rows as a cache holds. Internal to coding.
#pragma once

#include <bit>

#include "coding/row_buffer.hpp"
#include "coding/transform.hpp"

namespace mutirao::coding {

// What a task of several threads works on; the unit in which Observer sees columns.
inline constexpr std::size_t kTaskColumns = 1024;

// How far ahead of its use a row is asked for: more would not stay in the cache, since rows of
// equal columns share its sets.
inline constexpr std::uint32_t kRowsAhead = 24;

inline std::uint32_t log2_of(std::uint32_t power_of_two) {
    return static_cast<std::uint32_t>(std::countr_zero(power_of_two));
}

// Columns that are worked on together. Fewer than four cache lines of a row at a time would waste
// more on memory than they save in the cache.
std::size_t stripe_columns(std::uint32_t rows, std::size_t row_size);

// Results of at least this size are written past the caches: they would not stay there anyway.
inline constexpr std::size_t kStreamFrom = std::size_t{4} << 20;  // bytes

using Write = void (*)(const std::uint8_t* in, std::uint8_t* out, std::size_t size);
// What copies rows to a result of `total` bytes.
Write write_for(const Kernels& kernels, std::size_t total);

// Working rows in blocks of 64. A block is contiguous; between blocks some lines are left out, or
// rows that a layer pairs would all fall into the same few sets of the cache.
class Stripe {
  public:
    // `rows` is a power of two of 64 or more, `columns` a multiple of 128.
    Stripe(std::uint32_t rows, std::size_t columns);

    std::uint32_t rows() const { return rows_; }
    std::uint32_t blocks() const { return rows_ / kBlockRows; }
    std::size_t columns() const { return columns_; }
    Rows block(std::uint32_t index) { return {buffer_.data() + index * block_stride_, columns_}; }
    std::size_t block_size() const { return kBlockRows * columns_; }

    // The layers above those of a block; row 0 stands at point w_offset. Inverse: in place, over
    // all blocks. Forward: over the first `blocks` ones of `from`, which may be this one.
    void inverse_above(const Kernels& kernels, std::uint32_t offset);
    void forward_above(const Kernels& kernels, Stripe& from, std::uint32_t blocks,
                       std::uint32_t offset);
    // Formal derivative (transform.hpp) of all coefficients; only the first `blocks` are made.
    void differentiate(const Kernels& kernels, std::uint32_t blocks);

  private:
    // Every block as one long row: layers above pair whole blocks.
    Rows all_blocks() { return {buffer_.data(), block_stride_}; }

    std::uint32_t rows_;
    std::size_t columns_, block_stride_;
    RowBuffer buffer_;
};

}  // namespace mutirao::coding
