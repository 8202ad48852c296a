#include "lane/batch_log.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "lane/test_batches.hpp"

namespace mutirao::lane {
namespace {

std::unique_ptr<BatchLog> open(Disk& disk) { return BatchLog::open(disk).value(); }

TEST(BatchLog, keeps_batches_over_a_restart) {
    MemoryDisk disk;
    {
        const auto log = open(disk);
        for (std::uint64_t i = 0; i < 3; ++i)
            for (const std::uint32_t author : {1u, 2u})
                ASSERT_TRUE(log->keep(batch_of(author, i)).ok());
    }
    const auto log = open(disk);
    EXPECT_EQ(log->next(author_key(1).address()), 3u);
    EXPECT_EQ(log->next(author_key(3).address()), 0u);
    const auto batch = batch_of(2, 1);
    EXPECT_EQ(log->transactions(batch.statement()).value(), batch.transactions);
    EXPECT_EQ(log->transactions(batch_of(2, 3).statement()).error().kind, ErrorKind::not_found);
    EXPECT_EQ(log->transactions(batch_of(2, 1, 9).statement()).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(log->keep(batch_of(2, 3)).ok());
    const auto from_two = log->from([](const Address&) { return std::uint64_t{2}; }).value();
    ASSERT_EQ(from_two.size(), 3u);
    EXPECT_EQ(from_two.back(), batch_of(2, 3).statement());
}

TEST(BatchLog, an_author_that_equivocates_is_refused) {
    MemoryDisk disk;
    auto log = open(disk);
    ASSERT_TRUE(log->keep(batch_of(1, 0)).ok());
    EXPECT_TRUE(log->keep(batch_of(1, 0)).ok());  // the same again
    EXPECT_EQ(log->keep(batch_of(1, 0, 9)).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(log->keep(batch_of(1, 2)).error().kind, ErrorKind::invalid_argument);
    ASSERT_TRUE(log->keep(batch_of(1, 1)).ok());
    log = open(disk);
    EXPECT_EQ(log->keep(batch_of(1, 1, 9)).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(log->keep(batch_of(1, 0, 9)).error().message,
              "the author has sent another batch 0 already; its next is 2");
}

TEST(BatchLog, goes_on_where_a_state_from_elsewhere_is) {
    MemoryDisk disk;
    auto log = open(disk);
    ASSERT_TRUE(log->keep(batch_of(1, 0)).ok());
    EXPECT_EQ(log->keep(batch_of(1, 1), 5).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(log->keep(batch_of(2, 0), 5).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(log->keep(batch_of(1, 6), 5).error().kind, ErrorKind::invalid_argument);
    ASSERT_TRUE(log->keep(batch_of(1, 5), 5).ok());
    ASSERT_TRUE(log->keep(batch_of(1, 5), 5).ok());
    ASSERT_TRUE(log->keep(batch_of(1, 6), 5).ok());
    log = open(disk);
    EXPECT_EQ(log->next(author_key(1).address()), 7u);
    EXPECT_TRUE(log->transactions(batch_of(1, 5).statement()).ok());
    EXPECT_EQ(log->transactions(batch_of(1, 0).statement()).error().kind, ErrorKind::not_found);
    EXPECT_EQ(log->from([](const Address&) { return std::uint64_t{5}; }).value().size(), 2u);
    EXPECT_EQ(log->from([](const Address&) { return std::uint64_t{0}; }).value().size(), 0u);
}

TEST(BatchLog, a_torn_end_is_cut_off_and_other_damage_is_an_error) {
    MemoryDisk disk;
    std::uint64_t first = 0, whole = 0;
    {
        const auto log = open(disk);
        ASSERT_TRUE(log->keep(batch_of(1, 0)).ok());
        first = disk.open("batches.log").value()->size();
        ASSERT_TRUE(log->keep(batch_of(1, 1)).ok());
        whole = disk.open("batches.log").value()->size();
    }
    for (auto size = first; size < whole; ++size) {
        MemoryDisk torn;
        const auto bytes = disk.read_file("batches.log", 1 << 20).value();
        ASSERT_TRUE(torn.write_file_atomic("batches.log", ByteSpan(bytes).first(size)).ok());
        EXPECT_EQ(open(torn)->next(author_key(1).address()), 1u) << size;
        EXPECT_EQ(torn.open("batches.log").value()->size(), first);
    }
    auto bytes = disk.read_file("batches.log", 1 << 20).value();
    bytes[first - 1] ^= 1;  // of the first batch, with another behind it
    MemoryDisk bad;
    ASSERT_TRUE(bad.write_file_atomic("batches.log", bytes).ok());
    EXPECT_EQ(BatchLog::open(bad).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::lane
