#include "ledger/gathering.hpp"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace mutirao::ledger {
namespace {

std::vector<block::Certificate> some(std::uint64_t first, std::size_t count) {
    std::vector<block::Certificate> out(count);
    for (std::size_t i = 0; i < count; ++i) out[i].length = first + i;
    return out;
}

TEST(Gathering, verifies_what_one_thread_brings) {
    Gathering gathering;
    std::vector<std::size_t> calls;
    const auto count = [&](std::span<const block::Certificate> all) {
        calls.push_back(all.size());
    };
    gathering.bring({}, count);
    gathering.bring(some(0, 3), count);
    gathering.bring(some(3, 1), count);
    EXPECT_EQ(calls, (std::vector<std::size_t>{3, 1}));
}

// The first is held until all others wait, so that the second call takes them all.
TEST(Gathering, takes_along_what_others_bring_meanwhile) {
    constexpr std::size_t kThreads = 8;
    Gathering gathering;
    std::atomic<std::size_t> came = 0;
    std::atomic<bool> at_work = false, go_on = false;
    std::mutex mutex;
    std::vector<std::uint64_t> verified;
    std::size_t calls = 0;
    const auto verify = [&](std::span<const block::Certificate> all) {
        at_work = true;
        while (!go_on) std::this_thread::yield();
        const std::lock_guard lock(mutex);
        ++calls;
        for (const auto& each : all) verified.push_back(each.length);
    };
    const auto bring = [&](std::uint64_t number) {
        ++came;
        gathering.bring(some(10 * number, 2), verify);
        const std::lock_guard lock(mutex);
        EXPECT_EQ(std::count(verified.begin(), verified.end(), 10 * number), 1);
        EXPECT_EQ(std::count(verified.begin(), verified.end(), 10 * number + 1), 1);
    };
    std::vector<std::thread> threads;
    threads.emplace_back(bring, 0);
    while (!at_work) std::this_thread::yield();
    for (std::uint64_t i = 1; i < kThreads; ++i) threads.emplace_back(bring, i);
    while (came < kThreads) std::this_thread::yield();
    go_on = true;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(verified.size(), 2 * kThreads);
    EXPECT_GE(calls, 2u);
    EXPECT_LE(calls, kThreads);
}

}  // namespace
}  // namespace mutirao::ledger
