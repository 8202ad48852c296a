#include "base/log.hpp"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace mutirao {
namespace {

struct Log : testing::Test {
    ~Log() override { set_log_sink(nullptr); }
};

TEST_F(Log, without_a_sink_lines_are_dropped) {
    set_log_sink(nullptr);
    LOG_ERROR("nobody listens");
    SUCCEED();
}

TEST_F(Log, lines_reach_the_sink_with_their_level) {
    std::vector<std::pair<LogLevel, std::string>> lines;
    set_log_sink([&](LogLevel level, std::string_view line) { lines.emplace_back(level, line); });
    LOG_DEBUG("d");
    LOG_INFO(std::string("i") + "!");
    LOG_WARN("w");
    LOG_ERROR("e");
    using enum LogLevel;
    EXPECT_EQ(lines, (std::vector<std::pair<LogLevel, std::string>>{
                         {debug, "d"}, {info, "i!"}, {warn, "w"}, {error, "e"}}));
}

TEST_F(Log, threads_take_turns_at_the_sink) {
    int lines = 0;  // unguarded on purpose: the facade serialises calls
    set_log_sink([&](LogLevel, std::string_view) { ++lines; });
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([] {
            for (int j = 0; j < 1000; ++j) LOG_INFO("line");
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(lines, 4000);
}

}  // namespace
}  // namespace mutirao
