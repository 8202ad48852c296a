#include "cli/picture_file.hpp"

#include <filesystem>
#include <gtest/gtest.h>

#include "cli/local_file.hpp"
#include "os/test_folder.hpp"

namespace mutirao::cli {
namespace {

const std::string kSquare = R"(<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">)"
                            R"(<rect width="8" height="8"/></svg>)";

std::string content(const std::string& path) {
    const auto bytes = read_local(path, 1 << 20);
    return bytes.ok() ? std::string(as_text(*bytes)) : bytes.error().message;
}

TEST(PictureFile, an_svg_is_written_as_it_is) {
    os::TestFolder folder;
    const auto path = folder.path() + "/loss.svg";
    ASSERT_TRUE(can_draw(path).ok());
    ASSERT_TRUE(write_picture(path, kSquare).ok());
    EXPECT_EQ(content(path), kSquare);
}

TEST(PictureFile, a_png_is_drawn_and_nothing_is_left_beside_it) {
    os::TestFolder folder;
    const auto path = folder.path() + "/loss.png";
    const auto drawn = can_draw(path);
    if (!drawn.ok()) GTEST_SKIP() << drawn.error().message;
    ASSERT_TRUE(write_picture(path, kSquare).ok());
    EXPECT_TRUE(content(path).starts_with("\x89PNG\r\n"));
    const auto before = content(path);
    EXPECT_EQ(write_picture(path, "no picture").error().kind, ErrorKind::io);
    EXPECT_EQ(content(path), before);
    const auto files = std::filesystem::directory_iterator(folder.path());
    EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(PictureFile, a_folder_that_is_not_there_cannot_be_written_to) {
    EXPECT_FALSE(write_picture("/proc/none/loss.svg", kSquare).ok());
}

}  // namespace
}  // namespace mutirao::cli
