// One sync for all that wait for one: a sync covers everything that was written before it began, so
// callers that come while one runs share the next. Group commit.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/result.hpp"

namespace mutirao {

// Any thread may call.
class SharedSync {
  public:
    // Returns once a call of `sync` that began after this call has ended, with what it returned, or
    // what a later one did. At most one runs at a time; which caller's does not matter.
    Status run(const std::function<Status()>& sync) {
        std::unique_lock lock(mutex_);
        const auto mine = ++asked_;
        while (done_ < mine) {
            if (running_) {
                ended_.wait(lock);
                continue;
            }
            running_ = true;
            const auto for_all = asked_;
            lock.unlock();
            auto status = sync();
            lock.lock();
            running_ = false;
            done_ = for_all;
            last_ = std::move(status);
            ended_.notify_all();
        }
        return last_;
    }

  private:
    std::mutex mutex_;  // guards everything below
    std::condition_variable ended_;
    std::uint64_t asked_ = 0;
    std::uint64_t done_ = 0;
    bool running_ = false;
    Status last_;
};

}  // namespace mutirao
