#include "coding/fold.hpp"

#include <gtest/gtest.h>

#include "coding/test_rows.hpp"

namespace mutirao::coding {
namespace {

TEST(Fold, is_the_sum_of_products_in_the_field) {
    SeededRandom random(1);
    for (const std::size_t size : {128u, 384u, 2048u, 2176u, 5120u}) {
        const auto row = random_bytes(size, random), h = random_bytes(8 * size, random);
        std::array<std::uint8_t, kFoldSize> fold{};
        FoldChallenge(h).fold(row, fold);
        for (std::size_t g = 0; g < kFoldCoordinates; ++g) {
            F16 expected = 0;
            for (std::size_t j = 0; j < size / 2; ++j)
                expected = static_cast<F16>(
                    expected ^
                    mul16(element(row, j), element(ByteSpan(h).subspan(g * size, size), j)));
            EXPECT_EQ(fold[2 * g] | fold[2 * g + 1] << 8, expected) << size << ' ' << g;
        }
    }
}

TEST(Fold, of_many_rows_and_in_pieces_is_that_of_each) {
    SeededRandom random(2);
    constexpr std::size_t kSize = 4480, kStride = 4500;
    const FoldChallenge challenge(random_bytes(8 * kSize, random));
    for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 40u}) {
        const auto rows = random_bytes(count * kStride, random);
        Bytes folds(count * kFoldSize);
        challenge.fold_rows(rows.data(), kStride, count, folds);
        for (std::size_t i = 0; i < count; ++i) {
            const auto row = ByteSpan(rows).subspan(i * kStride, kSize);
            Bytes one(kFoldSize), pieces(kFoldSize);
            challenge.fold(row, one);
            FoldChallenge::Sums sums{};
            for (std::size_t at = 0, step = 0; at < kSize; at += step) {
                step = std::min<std::size_t>(kRowGroup * (1 + random.below(9)), kSize - at);
                challenge.add(sums, at, row.subspan(at, step));
            }
            FoldChallenge::finish(sums, pieces);
            EXPECT_EQ(one, pieces);
            EXPECT_TRUE(std::equal(one.begin(), one.end(), folds.begin() + i * kFoldSize));
        }
    }
}

TEST(Fold, every_coded_row_folds_as_the_code_demands_and_no_flipped_bit_does) {
    SeededRandom random(14);
    const Shape shape{64, 192, 256};
    const auto data = random_bytes(64 * 256, random);
    const auto all = encode_all(shape, data);
    const auto challenge = random_bytes(8 * 256, random);
    Bytes folds(192 * kFoldSize);
    for (std::size_t i = 0; i < 192; ++i)
        fold_row(ByteSpan(all).subspan(i * 256, 256), challenge,
                 MutableByteSpan(folds).subspan(i * kFoldSize, kFoldSize));
    EXPECT_EQ(extend_folds(64, 192, ByteSpan(folds).first(64 * kFoldSize)), folds);

    Bytes row(all.begin() + 70 * 256, all.begin() + 71 * 256), fold(kFoldSize);
    for (std::size_t bit = 0; bit < row.size() * 8; ++bit) {
        row[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        fold_row(row, challenge, fold);
        EXPECT_FALSE(std::equal(fold.begin(), fold.end(), folds.begin() + 70 * kFoldSize)) << bit;
        row[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
}

}  // namespace
}  // namespace mutirao::coding
