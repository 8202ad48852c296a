#include "block/coded_rows.hpp"

#include "crypto/row_hash.hpp"

namespace mutirao::block {
namespace {

using crypto::kHashedRows;

class HashingObserver final : public coding::Observer {
  public:
    explicit HashingObserver(const coding::Shape& shape)
        : hash_(crypto::domain_key("row"), shape.row_size),
          values_(shape.rows / kHashedRows * hash_.chunk_count() * sizeof(crypto::ChunkValues)) {}

    void see(const coding::Piece& piece) override {
        for (std::uint32_t r = 0; r < piece.rows; r += kHashedRows)
            hash_.add({piece.data + r * piece.stride, piece.stride, piece.column, piece.bytes},
                      values_of(piece.first_row + r));
    }

    void finish(std::uint32_t first_row, std::span<Digest, kHashedRows> out) {
        hash_.finish(values_of(first_row), out);
    }

  private:
    std::span<crypto::ChunkValues> values_of(std::uint32_t first_row) {
        const auto at = first_row / kHashedRows * hash_.chunk_count();
        return {reinterpret_cast<crypto::ChunkValues*>(values_.data()) + at, hash_.chunk_count()};
    }

    const crypto::RowHash hash_;
    coding::RowBuffer values_;  // ChunkValues, which need no first value
};

}  // namespace

Digest row_digest(ByteSpan row) { return crypto::blake3_keyed(crypto::domain_key("row"), row); }

std::vector<Digest> encode_and_hash(const coding::Shape& shape, ByteSpan data,
                                    MutableByteSpan parity, const Threads& threads) {
    ENSURE(shape.rows % kHashedRows == 0);
    HashingObserver observer(shape);
    coding::encode(shape, data, parity, threads, &observer);
    std::vector<Digest> digests(shape.rows);
    run_parallel(threads, shape.rows / kHashedRows, [&](unsigned, std::size_t i) {
        const auto first = static_cast<std::uint32_t>(i * kHashedRows);
        observer.finish(first, std::span(digests).subspan(first).first<kHashedRows>());
    });
    return digests;
}

}  // namespace mutirao::block
