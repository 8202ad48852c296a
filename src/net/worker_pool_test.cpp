#include "net/worker_pool.hpp"

#include <atomic>
#include <future>
#include <gtest/gtest.h>

namespace mutirao::net {
namespace {

TEST(WorkerPool, takes_as_many_as_threads_and_queue_and_not_one_more) {
    std::promise<void> door;
    const auto opened = door.get_future().share();
    std::atomic<int> done = 0;
    WorkerPool pool(2, 3);
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(pool.try_post([&, opened] {
            opened.wait();
            ++done;
        }));
    EXPECT_FALSE(pool.try_post([&] { ++done; }));
    door.set_value();
    pool.stop();
    EXPECT_EQ(done, 5);
    EXPECT_FALSE(pool.try_post([&] { ++done; }));
    pool.stop();
    EXPECT_EQ(done, 5);
}

TEST(WorkerPool, without_a_queue_only_free_threads_take_tasks) {
    std::promise<void> door;
    const auto opened = door.get_future().share();
    WorkerPool pool(1, 0);
    EXPECT_TRUE(pool.try_post([opened] { opened.wait(); }));
    EXPECT_FALSE(pool.try_post([] {}));
    door.set_value();
}

}  // namespace
}  // namespace mutirao::net
