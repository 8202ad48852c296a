#include "coding/coding.hpp"
#include "coding/kernel.hpp"

namespace mutirao::coding {
namespace {

constexpr std::size_t kHigh = kRowGroup / 2;  // offset of the high bytes in a group

}  // namespace

void fold_row(ByteSpan row, ByteSpan challenge, MutableByteSpan out) {
    ENSURE(!row.empty() && row.size() % kRowGroup == 0);
    ENSURE(challenge.size() == kFoldCoordinates * row.size() && out.size() == kFoldSize);
    F16 folds[kFoldCoordinates];
    best_kernels().fold(row.data(), challenge.data(), row.size(), folds);
    for (std::size_t g = 0; g < kFoldCoordinates; ++g) {
        out[2 * g] = folds[g] & 0xff;
        out[2 * g + 1] = folds[g] >> 8;
    }
}

Bytes extend_folds(std::uint32_t data_rows, std::uint32_t rows, ByteSpan data_folds) {
    ENSURE(data_folds.size() == std::size_t{data_rows} * kFoldSize);
    // A fold is a short row: its eight elements in the first places of one group.
    const Shape shape{data_rows, rows, kRowGroup};
    Bytes coded(std::size_t{rows} * kRowGroup, 0);
    for (std::size_t i = 0; i < data_rows; ++i)
        for (std::size_t g = 0; g < kFoldCoordinates; ++g) {
            coded[i * kRowGroup + g] = data_folds[i * kFoldSize + 2 * g];
            coded[i * kRowGroup + kHigh + g] = data_folds[i * kFoldSize + 2 * g + 1];
        }
    const std::size_t data_size = std::size_t{data_rows} * kRowGroup;
    encode(shape, ByteSpan(coded).first(data_size), MutableByteSpan(coded).subspan(data_size));
    Bytes out(std::size_t{rows} * kFoldSize);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t g = 0; g < kFoldCoordinates; ++g) {
            out[i * kFoldSize + 2 * g] = coded[i * kRowGroup + g];
            out[i * kFoldSize + 2 * g + 1] = coded[i * kRowGroup + kHigh + g];
        }
    return out;
}

}  // namespace mutirao::coding
