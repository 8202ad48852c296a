// What tests of other rooms rely on: the faults do exactly what they say.
#include "base/memory_disk.hpp"

#include <gtest/gtest.h>
#include <set>

#include "base/random.hpp"

namespace mutirao {
namespace {

std::string text_of(MemoryDisk& disk, std::string_view path) {
    const auto bytes = disk.read_file(path, 1 << 20);
    return bytes.ok() ? std::string(as_text(*bytes)) : "absent";
}

TEST(MemoryDisk, a_restart_keeps_what_was_synced_and_as_much_more_as_asked) {
    for (const std::uint64_t kept : {0u, 1u, 3u, 99u}) {
        MemoryDisk disk;
        const auto file = disk.open("a/b").value();
        ASSERT_TRUE(file->append(as_bytes("one")).ok());
        ASSERT_TRUE(file->sync().ok());
        ASSERT_TRUE(file->append(as_bytes("two")).ok());
        disk.restart(kept);
        EXPECT_EQ(text_of(disk, "a/b"), std::string("onetwo").substr(0, 3 + kept));
        EXPECT_EQ(file->append(as_bytes("x")).error().kind, ErrorKind::io);
    }
}

TEST(MemoryDisk, a_file_never_synced_is_gone_after_a_restart) {
    MemoryDisk disk;
    ASSERT_TRUE(disk.open("a")->get()->append(as_bytes("x")).ok());
    disk.restart();
    EXPECT_FALSE(disk.exists("a").value());
}

TEST(MemoryDisk, the_power_goes_in_the_middle_of_the_append_that_needs_one_byte_more) {
    MemoryDisk disk;
    const auto file = disk.open("a").value();
    disk.cut_power_after_bytes(4);
    EXPECT_TRUE(file->append(as_bytes("123")).ok());
    EXPECT_EQ(file->append(as_bytes("456")).error().kind, ErrorKind::io);
    EXPECT_TRUE(disk.power_is_cut());
    EXPECT_EQ(file->sync().error().kind, ErrorKind::io);
    EXPECT_FALSE(disk.list("").ok());
    disk.restart(99);
    EXPECT_EQ(text_of(disk, "a"), "1234");
}

TEST(MemoryDisk, the_power_goes_before_the_given_operation) {
    MemoryDisk disk;
    const auto file = disk.open("a").value();
    disk.cut_power_after_operations(1);
    EXPECT_TRUE(file->append(as_bytes("1")).ok());
    EXPECT_FALSE(file->sync().ok());
    disk.restart();
    EXPECT_EQ(text_of(disk, "a"), "absent");
}

TEST(MemoryDisk, an_atomic_write_is_all_or_nothing) {
    for (std::uint64_t bytes = 0; bytes < 3; ++bytes) {
        MemoryDisk disk;
        ASSERT_TRUE(disk.write_file_atomic("a", as_bytes("old")).ok());
        disk.cut_power_after_bytes(bytes);
        EXPECT_FALSE(disk.write_file_atomic("a", as_bytes("new")).ok());
        disk.restart(99);
        EXPECT_EQ(text_of(disk, "a"), "old");
    }
    MemoryDisk disk;
    ASSERT_TRUE(disk.write_file_atomic("a", as_bytes("new")).ok());
    disk.restart();
    EXPECT_EQ(text_of(disk, "a"), "new");
}

TEST(MemoryDisk, a_full_disk_takes_what_fits_and_says_so) {
    MemoryDisk disk;
    disk.set_capacity(4);
    const auto file = disk.open("a").value();
    EXPECT_EQ(file->append(as_bytes("12345")).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(file->size(), 4u);
    ASSERT_TRUE(file->truncate(0).ok());
    EXPECT_TRUE(file->append(as_bytes("1234")).ok());
    EXPECT_EQ(disk.write_file_atomic("b", as_bytes("1")).error().kind,
              ErrorKind::resource_exhausted);
}

TEST(MemoryDisk, pieces_are_one_append_that_tears_and_fills_anywhere) {
    const std::vector<ByteSpan> pieces{as_bytes("ab"), {}, as_bytes("cde")};
    for (std::uint64_t bytes = 0; bytes <= 5; ++bytes) {
        MemoryDisk full, torn;
        full.set_capacity(bytes);
        torn.cut_power_after_bytes(bytes);
        const auto in_full = full.open("a").value()->append_pieces(pieces);
        const auto in_torn = torn.open("a").value()->append_pieces(pieces);
        EXPECT_EQ(in_full.ok(), bytes == 5);
        EXPECT_EQ(in_torn.ok(), bytes == 5);
        if (bytes < 5) {
            EXPECT_EQ(in_full.error().kind, ErrorKind::resource_exhausted);
            EXPECT_EQ(in_torn.error().kind, ErrorKind::io);
        }
        torn.restart(99);
        EXPECT_EQ(text_of(full, "a"), std::string("abcde").substr(0, bytes));
        if (bytes > 0) {
            EXPECT_EQ(text_of(torn, "a"), std::string("abcde").substr(0, bytes));
        }
    }
}

TEST(MemoryDisk, a_restart_with_holes_keeps_what_was_synced_and_any_pages_of_the_rest) {
    SeededRandom chance(1);
    std::set<std::string> seen;
    for (int round = 0; round < 400; ++round) {
        MemoryDisk disk;
        const auto file = disk.open("a").value();
        ASSERT_TRUE(file->append(as_bytes("sync")).ok());
        ASSERT_TRUE(file->sync().ok());
        ASSERT_TRUE(file->append(as_bytes("edABCDEFG")).ok());
        disk.restart_with_holes(chance, 3);
        const auto text = text_of(disk, "a");
        ASSERT_TRUE(text.starts_with("sync"));
        for (std::size_t i = 4; i < text.size(); ++i)
            EXPECT_TRUE(text[i] == 0 || text[i] == std::string("syncedABCDEFG")[i]);
        seen.insert(text);
    }
    // Pages end at bytes 6, 9, 12 and 13: of 4 pages each is there, a hole, or cut off.
    EXPECT_TRUE(seen.contains("sync"));
    EXPECT_TRUE(seen.contains("syncedABCDEFG"));
    EXPECT_TRUE(seen.contains(std::string("sync\0\0ABC\0\0\0G", 13)));
}

TEST(MemoryDisk, a_failed_sync_makes_nothing_durable) {
    MemoryDisk disk;
    const auto file = disk.open("a").value();
    disk.fail_syncs(true);
    EXPECT_FALSE(file->sync().ok());
    disk.restart();
    EXPECT_FALSE(disk.exists("a").value());
}

TEST(MemoryDisk, lists_only_the_files_directly_in_a_folder_and_refuses_paths_outside) {
    MemoryDisk disk;
    for (const auto* path : {"b", "f/2", "f/1", "f/deep/3"})
        ASSERT_TRUE(disk.write_file_atomic(path, {}).ok());
    EXPECT_EQ(disk.list("f").value(), (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(disk.list("").value(), (std::vector<std::string>{"b"}));
    EXPECT_TRUE(disk.list("none").value().empty());
    for (const auto* path : {"", "/etc/x", "a/../b"})
        EXPECT_EQ(disk.open(path).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao
