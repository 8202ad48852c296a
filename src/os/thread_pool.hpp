// The real Executor: a fixed number of threads and a bounded queue. post() waits for room, so a
// fast producer cannot fill memory; a task must therefore not post to its own pool and wait for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/ports.hpp"

namespace mutirao::os {

class ThreadPool final : public Executor {
  public:
    ThreadPool(std::size_t threads, std::size_t queue_max);
    // Runs what is queued, then joins.
    ~ThreadPool() override;
    void post(std::function<void()> task) override;

  private:
    void run();

    const std::size_t queue_max_;
    std::mutex mutex_;  // guards queue_ and stopping_
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace mutirao::os
