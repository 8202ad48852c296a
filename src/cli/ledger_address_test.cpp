#include "cli/ledger_address.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"

namespace mutirao::cli {
namespace {

TEST(LedgerAddress, is_read_as_it_was_written_and_none_where_there_is_no_file) {
    MemoryDisk disk;
    EXPECT_FALSE(read_ledger_address(disk).value());
    ASSERT_TRUE(write_ledger_address(disk, {"0.0.0.0:26659", "v1.example:26659"}).ok());
    const auto read = read_ledger_address(disk).value();
    ASSERT_TRUE(read);
    EXPECT_EQ(read->listen, "0.0.0.0:26659");
    EXPECT_EQ(read->advertise, "v1.example:26659");
}

TEST(LedgerAddress, of_other_lines_than_two_is_refused_in_words) {
    for (const std::string_view text : {"", "one", "one\n", "one\ntwo", "one\ntwo\nthree\n"}) {
        MemoryDisk disk;
        ASSERT_TRUE(disk.write_file_atomic("address", as_bytes(text)).ok());
        const auto read = read_ledger_address(disk);
        ASSERT_FALSE(read.ok()) << text;
        EXPECT_NE(read.error().message.find("has two lines"), std::string::npos);
    }
}

}  // namespace
}  // namespace mutirao::cli
