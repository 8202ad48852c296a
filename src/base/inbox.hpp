// Answers as they come in, on whichever thread, for one thread that waits for them. Shared with
// those who answer, who may outlast the one who asked.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "base/ports.hpp"

namespace mutirao {

// Any thread may call.
template <class T>
class Inbox {
  public:
    void put(T answer) {
        const std::lock_guard lock(mutex_);
        answers_.push_back(std::move(answer));
        changed_.notify_all();
    }
    // The next answer; nothing when none came in time.
    std::optional<T> take(Duration patience) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [&] { return !answers_.empty(); }))
            return std::nullopt;
        auto answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
    }

  private:
    std::mutex mutex_;  // guards answers_
    std::condition_variable changed_;
    std::deque<T> answers_;
};

}  // namespace mutirao
