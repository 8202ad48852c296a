// One thread beside the caller's, for what can use two.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/ports.hpp"

namespace mutirao::bench {

// Runs tasks in the order in which they were posted. Any thread may post.
class SecondThread final : public Executor {
  public:
    SecondThread() : thread_([this] { run(); }) {}
    // Runs what is queued first.
    ~SecondThread() override {
        post(nullptr);
        thread_.join();
    }
    void post(std::function<void()> task) override {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(task));
        }
        posted_.notify_one();
    }

  private:
    void run() {
        for (;;) {
            std::unique_lock lock(mutex_);
            posted_.wait(lock, [&] { return !queue_.empty(); });
            const auto task = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            if (!task) return;  // the last one
            task();
        }
    }

    std::mutex mutex_;  // guards queue_
    std::condition_variable posted_;
    std::deque<std::function<void()>> queue_;
    std::thread thread_;  // last: it uses all the others
};

}  // namespace mutirao::bench
