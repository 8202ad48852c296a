#include "block/row_marks.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/row_hash.hpp"

namespace mutirao::block {
namespace {

using crypto::kHashedRows;

constexpr std::size_t kColumns = 1024;  // of sixteen rows: half of a first-level cache

class Marker {
  public:
    // Without a challenge nothing is folded.
    Marker(std::size_t row_size, const coding::FoldChallenge* challenge)
        : row_size_(row_size),
          challenge_(challenge),
          hash_(crypto::domain_key("row"), row_size),
          values_(hash_.chunk_count()),
          columns_(kHashedRows * kColumns) {}

    // One to sixteen rows.
    void mark(std::span<const ByteSpan> rows, std::span<Digest> digests, MutableByteSpan folds) {
        std::array<coding::FoldChallenge::Sums, kHashedRows> sums{};
        for (std::size_t at = 0; at < row_size_; at += kColumns) {
            const std::size_t bytes = std::min(kColumns, row_size_ - at);
            gather(rows, at, bytes);
            hash_.add({columns_.data(), kColumns, at, bytes}, values_);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                ask_for(rows[i], at + kColumns);
                if (challenge_ != nullptr)
                    challenge_->add(sums[i], at, columns_.span().subspan(i * kColumns, bytes));
            }
        }
        std::array<Digest, kHashedRows> all;
        hash_.finish(values_, all);
        std::copy_n(all.begin(), rows.size(), digests.begin());
        for (std::size_t i = 0; challenge_ != nullptr && i < rows.size(); ++i)
            coding::FoldChallenge::finish(sums[i],
                                          folds.subspan(i * coding::kFoldSize, coding::kFoldSize));
    }

  private:
    // The columns side by side. Lanes without a row hash whatever is there; nobody asks for the
    // result.
    void gather(std::span<const ByteSpan> rows, std::size_t at, std::size_t bytes) {
        for (std::size_t i = 0; i < rows.size(); ++i)
            std::memcpy(columns_.data() + i * kColumns, rows[i].data() + at, bytes);
    }

    // The next columns come from memory while the row is folded.
    static void ask_for(ByteSpan row, std::size_t at) {
        if (at + kColumns > row.size()) return;
        for (std::size_t line = 0; line < kColumns; line += 64)
            __builtin_prefetch(row.data() + at + line, 0, 2);
    }

    const std::size_t row_size_;
    const coding::FoldChallenge* const challenge_;
    const crypto::RowHash hash_;
    std::vector<crypto::ChunkValues> values_;
    coding::RowBuffer columns_;
};

RowMarks mark_all(std::span<const ByteSpan> rows, std::size_t row_size,
                  const coding::FoldChallenge* challenge, const Threads& threads) {
    const std::size_t fold_size = challenge != nullptr ? coding::kFoldSize : 0;
    RowMarks out{std::vector<Digest>(rows.size()), Bytes(rows.size() * fold_size)};
    for (const auto row : rows) ENSURE(row.size() == row_size);
    const std::size_t groups = (rows.size() + kHashedRows - 1) / kHashedRows;
    std::vector<std::unique_ptr<Marker>> markers(threads.workers());
    run_parallel(threads, groups, [&](unsigned worker, std::size_t group) {
        auto& marker = markers[worker];
        if (marker == nullptr) marker = std::make_unique<Marker>(row_size, challenge);
        const std::size_t first = group * kHashedRows;
        const std::size_t count = std::min(kHashedRows, rows.size() - first);
        marker->mark(rows.subspan(first, count), std::span(out.digests).subspan(first, count),
                     MutableByteSpan(out.folds).subspan(first * fold_size, count * fold_size));
    });
    return out;
}

}  // namespace

RowMarks mark_rows(std::span<const ByteSpan> rows, const coding::FoldChallenge& challenge,
                   const Threads& threads) {
    return mark_all(rows, challenge.row_size(), &challenge, threads);
}

std::vector<Digest> digest_rows(std::span<const ByteSpan> rows, const Threads& threads) {
    if (rows.empty()) return {};
    return mark_all(rows, rows.front().size(), nullptr, threads).digests;
}

}  // namespace mutirao::block
