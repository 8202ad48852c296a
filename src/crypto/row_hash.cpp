#include "crypto/row_hash.hpp"

#include <algorithm>

#include "crypto/blake3_compress.hpp"

namespace mutirao::crypto {

using namespace blake3_detail;

static_assert(kHashedRows == kLanes);
static_assert(kHashedChunkSize == kChunkSize && kHashedBlockSize == kBlockSize);

RowHash::RowHash(const Key& key, std::size_t row_size) : row_size_(row_size) {
    ENSURE(row_size > 0 && row_size % kBlockSize == 0);
    std::memcpy(key_.data(), key.bytes.data(), sizeof key_);
}

std::size_t RowHash::chunk_count() const { return (row_size_ + kChunkSize - 1) / kChunkSize; }

void RowHash::add(const RowPieces& pieces, std::span<ChunkValues> values) const {
    ENSURE(values.size() == chunk_count());
    ENSURE(pieces.offset % kBlockSize == 0 && pieces.size % kBlockSize == 0);
    ENSURE(pieces.offset <= row_size_ && pieces.size <= row_size_ - pieces.offset);
    const auto& kernel = best_wide_kernel();
    const std::uint32_t last = chunk_end | (row_size_ <= kChunkSize ? root : 0u);
    for (std::size_t done = 0; done < pieces.size;) {
        const std::size_t at = pieces.offset + done, chunk = at / kChunkSize;
        const std::size_t chunk_stop = std::min((chunk + 1) * kChunkSize, row_size_);
        const std::size_t stop = std::min(chunk_stop, pieces.offset + pieces.size);
        auto& words = values[chunk].words;
        const bool begins = at % kChunkSize == 0;
        if (begins)
            for (std::size_t i = 0; i < 8; ++i) std::fill_n(words[i], kLanes, key_[i]);
        kernel.rows({.rows = pieces.begin + done,
                     .stride = pieces.stride,
                     .blocks = (stop - at) / kBlockSize,
                     .counter = chunk,
                     .flags = keyed_hash,
                     .first_flags = begins ? chunk_start : 0u,
                     .last_flags = stop == chunk_stop ? last : 0u},
                    words);
        done += stop - at;
    }
}

// Neighbours are joined level by level, and one without a neighbour goes up as it is: the tree
// whose left subtrees are the largest full ones (specification, section 2.1).
void RowHash::finish(std::span<ChunkValues> values, std::span<Digest, kHashedRows> out) const {
    ENSURE(values.size() == chunk_count());
    const auto& kernel = best_wide_kernel();
    for (std::size_t count = values.size(); count > 1; count = (count + 1) / 2) {
        const std::uint32_t flags = keyed_hash | parent | (count == 2 ? root : 0u);
        for (std::size_t i = 0; i + 1 < count; i += 2)
            kernel.parents(key_, flags, values[i].words, values[i + 1].words, values[i / 2].words);
        if (count % 2 == 1) values[count / 2] = values[count - 1];
    }
    for (std::size_t row = 0; row < kHashedRows; ++row)
        for (std::size_t i = 0; i < 8; ++i)
            std::memcpy(out[row].bytes.data() + 4 * i, &values[0].words[i][row], 4);
}

}  // namespace mutirao::crypto
