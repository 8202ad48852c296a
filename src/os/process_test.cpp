#include "os/process.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/signal.hpp"
#include "os/test_folder.hpp"

namespace mutirao::os {
namespace {

constexpr Duration kLong = std::chrono::seconds(20);

Process shell(const std::string& script, const std::string& output = "/dev/null") {
    return Process::spawn({{"sh", "-c", script}, {{"MUTIRAO_WORD", "olá"}}, output}).value();
}

std::string contents(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Process, its_exit_code_and_output_come_back) {
    const TestFolder folder;
    auto child = shell("echo \"$MUTIRAO_WORD $0\"; echo err >&2; exit 3", folder.file("out"));
    const auto exit = child.wait(kLong);
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->code, 3);
    EXPECT_EQ(exit->signal, 0);
    EXPECT_FALSE(exit->clean());
    EXPECT_EQ(exit->sentence(), "exited with code 3");
    EXPECT_EQ(contents(folder.file("out")), "olá sh\nerr\n");
    EXPECT_FALSE(child.is_running());
    EXPECT_EQ(child.wait(Duration::zero())->code, 3);
}

TEST(Process, output_is_appended) {
    const TestFolder folder;
    for (int i = 0; i < 2; ++i)
        EXPECT_TRUE(shell("echo line", folder.file("out")).wait(kLong)->clean());
    EXPECT_EQ(contents(folder.file("out")), "line\nline\n");
}

TEST(Process, a_running_child_can_be_waited_for_asked_to_stop_and_killed) {
    auto polite = shell("exec sleep 1000");
    EXPECT_TRUE(polite.is_running());
    EXPECT_FALSE(polite.wait(std::chrono::milliseconds(1)).has_value());
    polite.terminate();
    EXPECT_EQ(polite.wait(kLong)->signal, SIGTERM);

    auto stubborn = shell("trap '' TERM; echo; while :; do sleep 1000; done");
    stubborn.kill();
    const auto exit = stubborn.wait(kLong);
    EXPECT_EQ(exit->signal, SIGKILL);
    EXPECT_NE(exit->sentence().find("signal 9"), std::string::npos);
    stubborn.kill();  // of one that has ended: nothing
}

TEST(Process, an_unknown_program_is_not_found_by_name) {
    const auto absent = Process::spawn({{"/nowhere/mutirao"}, {}, {}});
    ASSERT_FALSE(absent.ok());
    EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
    EXPECT_NE(absent.error().message.find("/nowhere/mutirao"), std::string::npos);
    EXPECT_EQ(Process::spawn({{"/"}, {}, {}}).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(Process::spawn({{}, {}, {}}).error().kind, ErrorKind::invalid_argument);
    EXPECT_FALSE(Process::spawn({{"true"}, {}, "/nowhere/out"}).ok());
}

TEST(Process, dropping_it_kills_the_child) {
    pid_t pid = 0;
    {
        auto child = shell("exec sleep 1000");
        pid = child.pid();
        auto moved = std::move(child);
        EXPECT_TRUE(moved.is_running());
    }
    EXPECT_EQ(::kill(pid, 0), -1);
    EXPECT_EQ(errno, ESRCH);
}

// A parent that is killed takes its child along: the pipe that only the child holds open closes.
TEST(Process, the_child_dies_with_its_parent) {
    const TestFolder folder;
    const std::string fifo = folder.file("alive");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        auto child = Process::spawn({{"sh", "-c", "exec sleep 1000 >\"$0\"", fifo}, {}, {}});
        ::pause();
        ::_exit(0);
    }
    std::ifstream reader(fifo);  // returns once the child has opened the other end
    ASSERT_TRUE(reader.is_open());
    ASSERT_EQ(::kill(parent, SIGKILL), 0);
    EXPECT_EQ(reader.get(), std::ifstream::traits_type::eof());
    EXPECT_EQ(::waitpid(parent, nullptr, 0), parent);
}

TEST(Process, blocked_and_ignored_signals_are_not_inherited) {
    const StopSignal held_back;
    auto child = shell("kill -TERM $$; kill -PIPE $$; exit 0");
    EXPECT_EQ(child.wait(kLong)->signal, SIGTERM);
    auto other = shell("kill -PIPE $$; exit 0");
    EXPECT_EQ(other.wait(kLong)->signal, SIGPIPE);
}

TEST(StopSignal, a_signal_that_came_before_counts) {
    StopSignal stop;
    EXPECT_FALSE(stop.wait(Duration::zero()));
    ASSERT_EQ(::pthread_kill(::pthread_self(), SIGTERM), 0);
    EXPECT_EQ(stop.wait(), SIGTERM);
    ASSERT_EQ(::pthread_kill(::pthread_self(), SIGINT), 0);
    EXPECT_TRUE(stop.wait(kLong));
    EXPECT_FALSE(stop.wait(std::chrono::milliseconds(1)));
}

TEST(StopSignal, a_closed_pipe_is_an_error_not_the_end) {
    const StopSignal stop;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::close(ends[0]);
    EXPECT_EQ(::write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    ::close(ends[1]);
}

}  // namespace
}  // namespace mutirao::os
