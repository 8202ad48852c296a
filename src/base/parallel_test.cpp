#include "base/parallel.hpp"

#include <atomic>
#include <gtest/gtest.h>

#include "base/test_threads.hpp"

namespace mutirao {
namespace {

// Holds what is posted until it is told to run it.
class LateExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override { tasks.push_back(std::move(task)); }
    std::vector<std::function<void()>> tasks;
};

class InlineExecutor final : public Executor {
  public:
    void post(std::function<void()> task) override { task(); }
};

void expect_each_once(const Threads& threads) {
    for (const std::size_t tasks : {0u, 1u, 2u, 3u, 1000u}) {
        std::vector<std::atomic<int>> calls(tasks);
        std::vector<std::atomic<int>> busy(8);
        run_parallel(threads, tasks, [&](unsigned worker, std::size_t index) {
            ASSERT_LT(worker, threads.workers());
            EXPECT_EQ(busy[worker].fetch_add(1), 0) << "two calls of one worker at once";
            ++calls[index];
            --busy[worker];
        });
        for (std::size_t i = 0; i < tasks; ++i) EXPECT_EQ(calls[i], 1) << i << " of " << tasks;
    }
}

TEST(RunParallel, calls_every_task_once) {
    expect_each_once({});
    ThreadExecutor threads;
    expect_each_once({&threads, 4});
    InlineExecutor in_place;
    expect_each_once({&in_place, 4});
    expect_each_once({&in_place, 0});
}

TEST(RunParallel, does_not_wait_for_a_busy_executor) {
    LateExecutor late;
    expect_each_once({&late, 3});
    EXPECT_FALSE(late.tasks.empty());
    for (auto& task : late.tasks) task();  // comes too late and finds nothing
}

}  // namespace
}  // namespace mutirao
