// For tests: a place where threads wait until it is opened, once and for everybody.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/ports.hpp"

namespace mutirao::net {

// Something that handlers wait at.
class Gate {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++here_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return open_; });
    }
    bool wait_for(int count, Duration deadline = std::chrono::seconds(10)) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, deadline, [&] { return here_ >= count; });
    }
    int here() {
        const std::lock_guard lock(mutex_);
        return here_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int here_ = 0;
};

}  // namespace mutirao::net
