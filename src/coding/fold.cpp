#include "coding/fold.hpp"

#include <algorithm>
#include <array>

#include "coding/coding.hpp"
#include "coding/kernel.hpp"

namespace mutirao::coding {
namespace {

constexpr std::size_t kPlane = kRowGroup / 2;  // bytes of low, then of high
constexpr std::size_t kPrepared =
    std::size_t{kFoldCoordinates} * 3 * kPlane;                      // bytes for one group
constexpr std::size_t kColumnsAtOnce = 16 * std::size_t{kRowGroup};  // challenge: 24 KiB

F8 sum_of_bytes(const std::uint8_t* plane) {
    std::uint64_t words[kPlane / 8], sum = 0;
    __builtin_memcpy(words, plane, kPlane);
    for (const auto word : words) sum ^= word;
    sum ^= sum >> 32, sum ^= sum >> 16, sum ^= sum >> 8;
    return static_cast<F8>(sum);
}

}  // namespace

FoldChallenge::FoldChallenge(ByteSpan pseudo_rows)
    : row_size_(pseudo_rows.size() / kFoldCoordinates),
      prepared_(row_size_ / kRowGroup * kPrepared) {
    ENSURE(row_size_ > 0 && row_size_ % kRowGroup == 0 &&
           pseudo_rows.size() == row_size_ * kFoldCoordinates);
    std::uint8_t* to = prepared_.data();
    for (std::size_t group = 0; group < row_size_; group += kRowGroup)
        for (std::size_t g = 0; g < kFoldCoordinates; ++g, to += 3 * kPlane) {
            const std::uint8_t* const from = pseudo_rows.data() + g * row_size_ + group;
            std::copy_n(from, 2 * kPlane, to);
            for (std::size_t i = 0; i < kPlane; ++i)
                to[2 * kPlane + i] = static_cast<std::uint8_t>(from[i] ^ from[kPlane + i]);
        }
}

void FoldChallenge::add(Sums& sums, std::size_t column, ByteSpan columns) const {
    ENSURE(column % kRowGroup == 0 && columns.size() % kRowGroup == 0 &&
           column + columns.size() <= row_size_);
    best_kernels().fold(columns.data(), prepared_.data() + column / kRowGroup * kPrepared,
                        columns.size(), sums.data());
}

void FoldChallenge::finish(const Sums& sums, MutableByteSpan out) {
    ENSURE(out.size() == kFoldSize);
    for (std::size_t g = 0; g < kFoldCoordinates; ++g) {
        const std::uint8_t* const at = sums.data() + g * 3 * kPlane;
        const F8 p = sum_of_bytes(at);
        out[2 * g] = static_cast<F8>(p ^ mul8(kTowerConstant, sum_of_bytes(at + kPlane)));
        out[2 * g + 1] = static_cast<F8>(p ^ sum_of_bytes(at + 2 * kPlane));
    }
}

void FoldChallenge::fold(ByteSpan row, MutableByteSpan out) const {
    ENSURE(row.size() == row_size_);
    fold_rows(row.data(), row.size(), 1, out);
}

void FoldChallenge::fold_rows(const std::uint8_t* rows, std::size_t stride, std::size_t count,
                              MutableByteSpan out) const {
    ENSURE(out.size() == count * kFoldSize);
    for (std::size_t first = 0; first < count; first += kFoldRowsMax) {
        const std::size_t here = std::min(kFoldRowsMax, count - first);
        std::array<Sums, kFoldRowsMax> sums{};
        for (std::size_t column = 0; column < row_size_; column += kColumnsAtOnce) {
            const std::size_t bytes = std::min(kColumnsAtOnce, row_size_ - column);
            for (std::size_t i = 0; i < here; ++i) {
                const std::uint8_t* const at = rows + (first + i) * stride + column;
                // Rows lie too far apart for the processor to see what comes next.
                if (column + 2 * kColumnsAtOnce <= row_size_)
                    for (std::size_t line = 0; line < kColumnsAtOnce; line += 64)
                        __builtin_prefetch(at + kColumnsAtOnce + line, 0, 2);
                add(sums[i], column, {at, bytes});
            }
        }
        for (std::size_t i = 0; i < here; ++i)
            finish(sums[i], out.subspan((first + i) * kFoldSize, kFoldSize));
    }
}

void fold_row(ByteSpan row, ByteSpan challenge, MutableByteSpan out) {
    FoldChallenge(challenge).fold(row, out);
}

Bytes extend_folds(std::uint32_t data_rows, std::uint32_t rows, ByteSpan data_folds) {
    ENSURE(data_folds.size() == std::size_t{data_rows} * kFoldSize);
    // A fold is a short row: its eight elements in the first places of one group.
    const Shape shape{data_rows, rows, kRowGroup};
    RowBuffer coded(std::size_t{rows} * kRowGroup);
    std::uint8_t* const data = coded.data();
    std::fill_n(data, shape.data_size(), std::uint8_t{0});
    for (std::size_t i = 0; i < data_rows; ++i)
        for (std::size_t g = 0; g < kFoldCoordinates; ++g) {
            data[i * kRowGroup + g] = data_folds[i * kFoldSize + 2 * g];
            data[i * kRowGroup + kPlane + g] = data_folds[i * kFoldSize + 2 * g + 1];
        }
    encode(shape, coded.span().first(shape.data_size()), coded.span().subspan(shape.data_size()));
    Bytes out(std::size_t{rows} * kFoldSize);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t g = 0; g < kFoldCoordinates; ++g) {
            out[i * kFoldSize + 2 * g] = data[i * kRowGroup + g];
            out[i * kFoldSize + 2 * g + 1] = data[i * kRowGroup + kPlane + g];
        }
    return out;
}

}  // namespace mutirao::coding
