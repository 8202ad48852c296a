#include "block/row_marks.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "block/coded_rows.hpp"

namespace mutirao::block {
namespace {

TEST(RowMarks, are_the_digest_and_the_fold_of_each_row) {
    SeededRandom random(1);
    for (const std::size_t size : {128u, 1024u, 1152u, 2048u, 5248u}) {
        Bytes pseudo_rows(coding::kFoldCoordinates * size);
        random.fill(pseudo_rows);
        const coding::FoldChallenge challenge(pseudo_rows);
        for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 50u}) {
            std::vector<Bytes> rows(count, Bytes(size));
            std::vector<ByteSpan> spans;
            for (auto& row : rows) {
                random.fill(row);
                spans.emplace_back(row);
            }
            const auto marks = mark_rows(spans, challenge);
            ASSERT_EQ(marks.digests.size(), count);
            for (std::size_t i = 0; i < count; ++i) {
                EXPECT_EQ(marks.digests[i], row_digest(rows[i])) << size << ' ' << i;
                Bytes fold(coding::kFoldSize);
                challenge.fold(rows[i], fold);
                EXPECT_TRUE(
                    std::equal(fold.begin(), fold.end(),
                               marks.folds.begin() + static_cast<std::ptrdiff_t>(i * fold.size())))
                    << size << ' ' << i;
            }
        }
    }
}

}  // namespace
}  // namespace mutirao::block
