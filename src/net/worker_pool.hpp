// Threads that run handlers, with a bounded queue in front that says no instead of waiting.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mutirao::net {

// Threads are started as they are needed, up to `threads_max`. Any thread may call.
class WorkerPool {
  public:
    // `queue_max` tasks may wait besides those that run.
    WorkerPool(std::size_t threads_max, std::size_t queue_max);
    // Stops.
    ~WorkerPool();

    // False, and the task is dropped, when the queue is full, the pool stops, or the system gives
    // not even one thread. A task may not
    // throw.
    bool try_post(std::function<void()> task);
    // Runs what is queued, then joins. Not from one of its own threads.
    void stop();

  private:
    void run();

    const std::size_t threads_max_;
    const std::size_t queue_max_;
    std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    std::size_t busy_ = 0;  // threads that run a task
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace mutirao::net
