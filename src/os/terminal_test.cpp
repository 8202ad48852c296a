#include "os/terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include "os/clock.hpp"
#include "os/descriptor.hpp"

namespace mutirao::os {
namespace {

TEST(ProgressLine, shows_share_rate_and_time_left) {
    const Progress half{"put a.tar", 50'000'000, 100'000'000, std::chrono::seconds(4)};
    EXPECT_EQ(progress_line(half, 80),
              "put a.tar [===================>                  ]  50%   12.5 MB/s  ETA 0:04");
}

TEST(ProgressLine, ends_with_the_time_it_took) {
    const Progress done{"get", 7'200'000'000, 7'200'000'000, std::chrono::seconds(3661)};
    const auto line = progress_line(done, 120);
    EXPECT_NE(line.find("100%"), std::string::npos) << line;
    EXPECT_TRUE(line.ends_with("in 1:01:01")) << line;
    EXPECT_EQ(line.find('>'), std::string::npos) << line;
}

TEST(ProgressLine, nothing_done_or_unknown_size_has_no_time_left) {
    EXPECT_NE(progress_line({"x", 0, 10, {}}, 80).find("ETA -:--"), std::string::npos);
    EXPECT_EQ(progress_line({"x", 2'000'000, 0, std::chrono::seconds(1)}, 80),
              "x  2.0 MB    2.0 MB/s");
}

TEST(ProgressLine, never_wider_than_the_terminal) {
    rc::check([](std::uint64_t done, std::uint64_t total, std::uint32_t milliseconds) {
        const int columns = *rc::gen::inRange(1, 200);
        const auto line = progress_line(
            {"a label of some length", done, total, std::chrono::milliseconds(milliseconds)},
            columns);
        RC_ASSERT(line.size() <= static_cast<std::size_t>(columns));
    });
}

TEST(ProgressLine, never_cuts_a_character_in_half) {
    EXPECT_EQ(progress_line({"ação", 0, 10, {}}, 3), "açã");
}

TEST(Terminal, a_file_is_none) {
    const Descriptor file(::open("/dev/null", O_RDWR | O_CLOEXEC));
    EXPECT_FALSE(is_terminal(file.get()));
    EXPECT_EQ(terminal_columns(file.get()), 80);
}

// Standard error is a pipe while the bar lives; nothing may come out of it.
TEST(ProgressBar, is_silent_without_a_terminal) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const Descriptor read_end(ends[0]);
    const Descriptor saved(::dup(STDERR_FILENO));
    ASSERT_GE(::dup2(ends[1], STDERR_FILENO), 0);
    ::close(ends[1]);
    {
        SystemClock clock;
        ProgressBar bar(clock, "put", 100);
        bar.add(50);
        bar.add(50);
    }
    std::fflush(stderr);
    ASSERT_GE(::dup2(saved.get(), STDERR_FILENO), 0);
    char byte = 0;
    EXPECT_EQ(::read(read_end.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace mutirao::os
