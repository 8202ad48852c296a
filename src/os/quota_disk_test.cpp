#include "os/quota_disk.hpp"

#include <gtest/gtest.h>
#include <thread>

#include "base/memory_disk.hpp"

namespace mutirao::os {
namespace {

TEST(QuotaDisk, the_last_byte_fits_and_the_next_does_not) {
    MemoryDisk inner;
    QuotaDisk disk(inner, 10);
    const auto file = disk.open("a").value();
    ASSERT_TRUE(file->append(Bytes(10, 1)).ok());
    const auto full = file->append(Bytes(1, 1));
    EXPECT_EQ(full.error().kind, ErrorKind::resource_exhausted);
    EXPECT_TRUE(full.error().message.starts_with("disk full: a ")) << full.error().message;
    EXPECT_EQ(file->size(), 10u);
    EXPECT_EQ(disk.used_bytes(), 10u);
    EXPECT_TRUE(file->append({}).ok());
}

TEST(QuotaDisk, all_files_share_one_quota) {
    MemoryDisk inner;
    QuotaDisk disk(inner, 10);
    ASSERT_TRUE(disk.open("a").value()->append(Bytes(6, 1)).ok());
    ASSERT_TRUE(disk.write_file_atomic("b", Bytes(3, 1)).ok());
    EXPECT_FALSE(disk.open("c").value()->append(Bytes(2, 1)).ok());
    EXPECT_FALSE(disk.write_file_atomic("b", Bytes(5, 1)).ok());
    EXPECT_EQ(disk.read_file("b", 100).value().size(), 3u);
    EXPECT_TRUE(disk.write_file_atomic("b", Bytes(4, 1)).ok());
    EXPECT_EQ(disk.used_bytes(), 10u);
}

TEST(QuotaDisk, removing_and_truncating_give_bytes_back) {
    MemoryDisk inner;
    QuotaDisk disk(inner, 10);
    const auto file = disk.open("a").value();
    ASSERT_TRUE(file->append(Bytes(10, 1)).ok());
    ASSERT_TRUE(file->truncate(4).ok());
    EXPECT_EQ(disk.used_bytes(), 4u);
    ASSERT_TRUE(disk.write_file_atomic("b", Bytes(6, 1)).ok());
    ASSERT_TRUE(disk.remove("b").ok());
    EXPECT_FALSE(disk.exists("b").value());
    EXPECT_EQ(disk.used_bytes(), 4u);
    EXPECT_TRUE(file->append(Bytes(6, 1)).ok());
}

TEST(QuotaDisk, files_from_before_count_once_opened) {
    MemoryDisk inner;
    ASSERT_TRUE(inner.open("old").value()->append(Bytes(8, 1)).ok());
    QuotaDisk disk(inner, 10);
    const auto first = disk.open("old").value();
    const auto again = disk.open("old").value();
    EXPECT_EQ(disk.used_bytes(), 8u);
    EXPECT_FALSE(disk.open("new").value()->append(Bytes(3, 1)).ok());
    EXPECT_TRUE(disk.open("new").value()->append(Bytes(2, 1)).ok());
}

TEST(QuotaDisk, files_from_before_count_once_read) {
    MemoryDisk inner;
    ASSERT_TRUE(inner.write_file_atomic("old", Bytes(8, 1)).ok());
    QuotaDisk disk(inner, 10);
    ASSERT_TRUE(disk.read_file("old", 100).ok());
    ASSERT_TRUE(disk.read_file("old", 100).ok());
    EXPECT_EQ(disk.used_bytes(), 8u);
    ASSERT_TRUE(disk.remove("old").ok());
    EXPECT_EQ(disk.used_bytes(), 0u);
}

TEST(QuotaDisk, pieces_count_together_and_are_taken_or_refused_together) {
    MemoryDisk inner;
    QuotaDisk disk(inner, 10);
    const auto file = disk.open("a").value();
    const Bytes four(4, 1);
    const std::vector<ByteSpan> eight{four, {}, four};
    ASSERT_TRUE(file->append_pieces(eight).ok());
    EXPECT_EQ(disk.used_bytes(), 8u);
    EXPECT_EQ(file->append_pieces(eight).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(file->size(), 8u);
    EXPECT_EQ(disk.used_bytes(), 8u);
    // Below the quota the disk itself may fill: a part is written, counted, and given back.
    inner.set_capacity(9);
    const std::vector<ByteSpan> two{{four.data(), 1}, {four.data(), 1}};
    EXPECT_FALSE(file->append_pieces(two).ok());
    EXPECT_EQ(disk.used_bytes(), file->size());
    ASSERT_TRUE(file->truncate(8).ok());
    EXPECT_EQ(disk.used_bytes(), 8u);
}

// A quota lowered under what is stored stops growth and nothing else.
TEST(QuotaDisk, over_the_quota_reading_and_shrinking_work) {
    MemoryDisk inner;
    ASSERT_TRUE(inner.open("old").value()->append(Bytes(8, 1)).ok());
    QuotaDisk disk(inner, 4);
    const auto file = disk.open("old").value();
    EXPECT_FALSE(file->append(Bytes(1, 1)).ok());
    Bytes out(8);
    EXPECT_TRUE(file->read(0, out).ok());
    EXPECT_TRUE(file->truncate(3).ok());
    EXPECT_TRUE(file->append(Bytes(1, 1)).ok());
}

TEST(QuotaDisk, failures_below_leave_the_count_right) {
    MemoryDisk inner;
    inner.set_capacity(5);
    QuotaDisk disk(inner, 100);
    const auto file = disk.open("a").value();
    EXPECT_EQ(file->append(Bytes(9, 1)).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(disk.used_bytes(), file->size());
    EXPECT_FALSE(disk.write_file_atomic("b", Bytes(9, 1)).ok());
    EXPECT_EQ(disk.used_bytes(), file->size());
}

TEST(QuotaDisk, writers_together_never_pass_the_quota) {
    MemoryDisk inner;
    QuotaDisk disk(inner, 1000);
    std::vector<std::thread> writers;
    for (int w = 0; w < 4; ++w)
        writers.emplace_back([&, w] {
            const auto file = disk.open("file" + std::to_string(w)).value();
            while (file->append(Bytes(7, 1)).ok()) continue;
        });
    for (auto& writer : writers) writer.join();
    EXPECT_EQ(disk.used_bytes(), 994u);
    EXPECT_EQ(inner.bytes_stored(), 994u);
}

}  // namespace
}  // namespace mutirao::os
