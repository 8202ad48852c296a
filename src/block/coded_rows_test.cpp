#include "block/coded_rows.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/test_threads.hpp"

namespace mutirao::block {
namespace {

TEST(CodedRows, digests_are_those_of_the_coded_rows) {
    SeededRandom random(1);
    for (const coding::Shape shape :
         {coding::Shape{64, 192, 128}, coding::Shape{256, 768, 1152}, coding::Shape{256, 512, 5120},
          coding::Shape{1024, 3072, 384}, coding::Shape{128, 1040, 2048}})
        for (const unsigned count : {1u, 3u}) {
            Bytes data(shape.data_size()), parity(shape.parity_size()), expected(parity.size());
            random.fill(data);
            coding::encode(shape, data, expected);
            ThreadExecutor executor;
            const auto digests = encode_and_hash(shape, data, parity, {&executor, count});
            ASSERT_EQ(parity, expected);
            ASSERT_EQ(digests.size(), shape.rows);
            for (std::uint32_t i = 0; i < shape.rows; ++i) {
                const auto& rows = i < shape.data_rows ? data : parity;
                const auto at = std::size_t{i < shape.data_rows ? i : i - shape.data_rows};
                ASSERT_EQ(digests[i],
                          row_digest(ByteSpan(rows).subspan(at * shape.row_size, shape.row_size)))
                    << i << " of " << shape.rows;
            }
        }
}

}  // namespace
}  // namespace mutirao::block
