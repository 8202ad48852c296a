#include "lane/batch_log.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "lane/test_batches.hpp"

namespace mutirao::lane {
namespace {

std::unique_ptr<BatchLog> open(Disk& disk) { return BatchLog::open(disk).value(); }
Status keep(BatchLog& log, const Batch& batch, std::uint64_t floor = 0, std::uint64_t ahead = 0) {
    return log.keep(batch.statement(), batch.encode(), as_bytes("found"), 1, {floor, ahead});
}
Status keep_certified(BatchLog& log, const Batch& batch) {
    return log.keep_certified(batch.statement(), batch.encode(), as_bytes("found"), 1);
}
std::size_t kept_from(const BatchLog& log, std::uint64_t number) {
    return log.from([&](const Address&) { return number; }).value().size();
}

TEST(BatchLog, keeps_batches_over_a_restart) {
    MemoryDisk disk;
    {
        const auto log = open(disk);
        for (std::uint64_t i = 0; i < 3; ++i)
            for (const std::uint32_t author : {1u, 2u})
                ASSERT_TRUE(keep(*log, batch_of(author, i)).ok());
    }
    const auto log = open(disk);
    EXPECT_EQ(kept_from(*log, 0), 6u);
    const auto batch = batch_of(2, 1);
    const auto kept = log->get(batch.statement()).value();
    EXPECT_EQ(kept.transactions, batch.transactions);
    EXPECT_EQ(kept.findings, to_bytes(as_bytes("found")));
    EXPECT_EQ(log->get(batch_of(2, 3).statement()).error().kind, ErrorKind::not_found);
    EXPECT_EQ(log->get(batch_of(2, 1, 9).statement()).error().kind, ErrorKind::not_found);
    EXPECT_EQ(log->encoded(batch.statement()).value(), batch.encode());
    EXPECT_TRUE(log->has(batch.statement()));
    EXPECT_FALSE(log->has(batch_of(2, 3).statement()));
    EXPECT_TRUE(keep(*log, batch_of(2, 3)).ok());
    const auto from_two = log->from([](const Address&) { return std::uint64_t{2}; }).value();
    ASSERT_EQ(from_two.size(), 3u);
    EXPECT_EQ(from_two.back(), batch_of(2, 3).statement());
}

TEST(BatchLog, an_author_that_equivocates_is_refused) {
    MemoryDisk disk;
    auto log = open(disk);
    ASSERT_TRUE(keep(*log, batch_of(1, 0)).ok());
    EXPECT_TRUE(keep(*log, batch_of(1, 0)).ok());  // the same again
    EXPECT_EQ(keep(*log, batch_of(1, 0, 9)).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(keep(*log, batch_of(1, 2)).error().kind, ErrorKind::invalid_argument);
    ASSERT_TRUE(keep(*log, batch_of(1, 1)).ok());
    log = open(disk);
    EXPECT_EQ(keep(*log, batch_of(1, 1, 9)).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(keep(*log, batch_of(1, 0, 9)).error().message,
              "the author has sent another batch 0 already; its next is 2");
}

TEST(BatchLog, goes_on_where_a_state_from_elsewhere_is) {
    MemoryDisk disk;
    auto log = open(disk);
    ASSERT_TRUE(keep(*log, batch_of(1, 0)).ok());
    EXPECT_EQ(keep(*log, batch_of(1, 1), 5).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(keep(*log, batch_of(2, 0), 5).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(keep(*log, batch_of(1, 6), 5).error().kind, ErrorKind::invalid_argument);
    ASSERT_TRUE(keep(*log, batch_of(1, 5), 5).ok());
    ASSERT_TRUE(keep(*log, batch_of(1, 5), 5).ok());
    ASSERT_TRUE(keep(*log, batch_of(1, 6), 5).ok());
    log = open(disk);
    EXPECT_TRUE(log->get(batch_of(1, 5).statement()).ok());
    EXPECT_EQ(kept_from(*log, 5), 2u);
    EXPECT_EQ(kept_from(*log, 0), 1u);  // up to the gap
    EXPECT_EQ(kept_from(*log, 1), 0u);
}

// Another keeper has what is missing.
TEST(BatchLog, numbers_may_be_missing_as_far_as_the_caller_says) {
    MemoryDisk disk;
    auto log = open(disk);
    EXPECT_EQ(keep(*log, batch_of(1, 8), 5, 2).error().kind, ErrorKind::invalid_argument);
    ASSERT_TRUE(keep(*log, batch_of(1, 7), 5, 2).ok());
    EXPECT_EQ(keep(*log, batch_of(1, 7, 9), 5, 2).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(keep(*log, batch_of(1, 4), 5, 2).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(keep(*log, batch_of(1, 6), 5, 2).ok());
    EXPECT_EQ(kept_from(*log, 5), 0u);
    ASSERT_TRUE(keep(*log, batch_of(1, 5), 5).ok());
    EXPECT_EQ(kept_from(*log, 5), 3u);
    EXPECT_EQ(keep(*log, batch_of(1, 9), 5).error().message,
              "batch 9 does not follow: the author's next is 8");
    log = open(disk);
    EXPECT_EQ(kept_from(*log, 5), 3u);
}

// The author sent one here and the other to a quorum elsewhere.
TEST(BatchLog, a_certified_batch_is_kept_beside_another_of_its_number) {
    MemoryDisk disk;
    auto log = open(disk);
    const auto here = batch_of(1, 0, 1), certified = batch_of(1, 0, 2);
    ASSERT_TRUE(keep(*log, here).ok());
    ASSERT_TRUE(keep_certified(*log, certified).ok());
    ASSERT_TRUE(keep_certified(*log, certified).ok());
    for (int restart = 0; restart < 2; ++restart) {
        EXPECT_EQ(log->get(here.statement()).value().transactions, here.transactions);
        EXPECT_EQ(log->get(certified.statement()).value().transactions, certified.transactions);
        log = open(disk);
    }
    EXPECT_TRUE(keep(*log, certified).ok());
    EXPECT_EQ(keep(*log, batch_of(1, 0, 3)).error().kind, ErrorKind::already_exists);
    // Where nothing else has its number, it has it.
    ASSERT_TRUE(keep_certified(*log, batch_of(2, 4)).ok());
    EXPECT_EQ(keep(*log, batch_of(2, 4, 9), 4).error().kind, ErrorKind::already_exists);
}

// A record that tore is gone, and with it its number; nothing before it is.
TEST(BatchLog, an_author_goes_on_after_a_torn_end) {
    MemoryDisk disk;
    {
        const auto log = open(disk);
        ASSERT_TRUE(keep(*log, batch_of(1, 0)).ok());
        disk.cut_power_after_bytes(100);
        EXPECT_FALSE(keep(*log, batch_of(1, 1)).ok());
    }
    disk.restart(100);
    const auto log = open(disk);
    EXPECT_FALSE(log->has(batch_of(1, 1).statement()));
    EXPECT_TRUE(log->get(batch_of(1, 0).statement()).ok());
    EXPECT_TRUE(keep(*log, batch_of(1, 1)).ok());
}

// Certificates were given for what follows the damage.
TEST(BatchLog, a_damaged_head_takes_no_intact_batch_with_it) {
    MemoryDisk disk;
    std::uint64_t first = 0;
    {
        const auto log = open(disk);
        for (std::uint64_t i = 0; i < 3; ++i) {
            ASSERT_TRUE(keep(*log, batch_of(1, i)).ok());
            if (i == 0) first = disk.bytes_stored();
        }
    }
    ASSERT_TRUE(disk.flip_bit("batches.log", 8 * first + 3));  // of the second's size
    EXPECT_EQ(BatchLog::open(disk).error().kind, ErrorKind::corrupt);
}

TEST(BatchLog, forgets_what_only_old_blocks_may_name) {
    MemoryDisk disk;
    auto log = BatchLog::open(disk, 2000).value();
    const auto store = [&](std::uint32_t author, std::uint64_t number, std::uint64_t until) {
        const auto batch = batch_of(author, number);
        return log->keep(batch.statement(), batch.encode(), {}, until, {number, 0}).ok();
    };
    for (std::uint64_t i = 0; i < 30; ++i) {
        ASSERT_TRUE(store(1, i, i + 1));
        ASSERT_TRUE(store(2, i, i == 20 ? 50 : i));
    }
    const auto whole = disk.bytes_stored();
    const auto first_kept = [&](std::uint32_t author) {
        std::uint64_t i = 0;
        while (!log->get(batch_of(author, i).statement()).ok()) ++i;
        return i;
    };
    ASSERT_TRUE(log->forget_below(1).ok());
    EXPECT_EQ(disk.bytes_stored(), whole);
    ASSERT_TRUE(log->forget_below(11).ok());
    const auto left = first_kept(1);
    EXPECT_GT(left, 4u);
    EXPECT_LE(left, 10u);  // block 11 may name batch 10
    EXPECT_LT(disk.bytes_stored(), whole);
    ASSERT_TRUE(log->forget_below(50).ok());
    EXPECT_LE(first_kept(2), 20u);
    EXPECT_GT(first_kept(2), 14u);
    log->needed_until(batch_of(2, 20).statement(), 60);
    ASSERT_TRUE(log->forget_below(60).ok());
    EXPECT_LE(first_kept(2), 20u);
    // Nobody knows after a restart until when each is needed.
    log = BatchLog::open(disk, 2000).value();
    log->all_needed_until(70);
    ASSERT_TRUE(log->forget_below(70).ok());
    EXPECT_LE(first_kept(2), 20u);
    EXPECT_TRUE(store(2, 30, 70));
    ASSERT_TRUE(log->forget_below(71).ok());
    EXPECT_GT(first_kept(2), 20u);
    EXPECT_EQ(log->get(batch_of(1, 0).statement()).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace mutirao::lane
