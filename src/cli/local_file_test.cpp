#include "cli/local_file.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "os/test_folder.hpp"

namespace mutirao::cli {
namespace {

TEST(LocalFile, an_empty_path_is_an_error_and_no_exception) {
    EXPECT_EQ(whole_path("").error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(write_local("", as_bytes("x")).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(read_local("", 9).error().kind, ErrorKind::not_found);
}

TEST(LocalFile, without_a_current_folder_paths_that_start_there_are_refused) {
    os::TestFolder folder;
    const auto before = std::filesystem::current_path();
    std::filesystem::create_directory(folder.path() + "/gone");
    std::filesystem::current_path(folder.path() + "/gone");
    std::filesystem::remove(folder.path() + "/gone");
    const auto whole = whole_path("a");
    std::filesystem::current_path(before);
    EXPECT_EQ(whole.error().kind, ErrorKind::invalid_argument);
}

TEST(LocalFile, reading_what_is_not_there_makes_no_folders) {
    os::TestFolder folder;
    EXPECT_EQ(read_local(folder.path() + "/a/b", 9).error().kind, ErrorKind::not_found);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/a"));
}

TEST(LocalFile, a_file_is_replaced_and_a_pipe_or_a_folder_is_not) {
    os::TestFolder folder;
    const auto file = folder.path() + "/file", pipe = folder.path() + "/pipe";
    ASSERT_TRUE(write_local(file, as_bytes("one")).ok());
    ASSERT_TRUE(write_local(file, as_bytes("two")).ok());
    EXPECT_EQ(as_text(read_local(file, 9).value()), "two");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(write_local(pipe, as_bytes("x")).error().kind, ErrorKind::invalid_argument);
    EXPECT_TRUE(std::filesystem::is_fifo(pipe));
    EXPECT_EQ(write_local(folder.path(), as_bytes("x")).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::cli
