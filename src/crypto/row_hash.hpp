// Keyed BLAKE3 of sixteen equally long rows side by side, fed column piece by column piece, so that
// whoever makes the rows a stripe of columns at a time hashes them while the stripe is in the
// cache. The digests are those of blake3_keyed(key, row). Specification:
// https://github.com/BLAKE3-team/BLAKE3-specs, section 2; the sixteen rows are the lanes, for the
// chunks as for the parents above them.
//
// Use: one RowHash for all rows of one size, and chunk_count() ChunkValues for each sixteen rows.
// Every byte of the rows goes through add() once, in any cut, and then finish() gives the digests:
//
//     const RowHash hash(domain_key("row"), row_size);
//     std::vector<ChunkValues> values(hash.chunk_count());  // of rows 0 .. 15
//     for (each stripe) hash.add({stripe, stride, offset, size}, values);
//     hash.finish(values, digests);
//
// A RowHash never changes: any number of threads may use one. Two calls of add() may run at once
// when they touch different sixteens or different chunks; the pieces of one chunk come in order.
// Cost: 0.15 ns a byte with AVX-512; 512 bytes of state a chunk of sixteen rows.
#pragma once

#include "base/bytes.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {

inline constexpr std::size_t kHashedRows = 16;         // side by side
inline constexpr std::size_t kHashedChunkSize = 1024;  // bytes of a row under one chaining value
inline constexpr std::size_t kHashedBlockSize = 64;    // what pieces and rows are multiples of

// Chaining values of one chunk of sixteen rows, final or on the way: words[i][r] is word i of
// row r's. Needs no initial value.
struct alignas(64) ChunkValues {
    std::uint32_t words[8][kHashedRows];
};

// Bytes offset .. offset + size of sixteen rows; row r's piece begins at begin + r * stride.
struct RowPieces {
    const std::uint8_t* begin;
    std::size_t stride;
    std::size_t offset;  // multiple of 64
    std::size_t size;    // multiple of 64, within the row
};

class RowHash {
  public:
    // row_size: a multiple of 64, not zero.
    RowHash(const Key& key, std::size_t row_size);

    std::size_t chunk_count() const;  // of a row
    // Hashes the pieces into values[offset / 1024] and, as far as they reach, the ones after it;
    // values.size() == chunk_count(). A piece at the beginning of a chunk begins it anew.
    void add(const RowPieces& pieces, std::span<ChunkValues> values) const;
    // Joins the finished chunks, of which it leaves nothing. out[r] is row r's.
    void finish(std::span<ChunkValues> values, std::span<Digest, kHashedRows> out) const;

  private:
    std::array<std::uint32_t, 8> key_;
    std::size_t row_size_;
};

}  // namespace mutirao::crypto
