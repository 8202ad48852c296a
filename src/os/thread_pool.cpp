#include "os/thread_pool.hpp"

#include "base/ensure.hpp"

namespace mutirao::os {

ThreadPool::ThreadPool(std::size_t threads, std::size_t queue_max) : queue_max_(queue_max) {
    ENSURE(threads > 0 && queue_max > 0);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ThreadPool::~ThreadPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void ThreadPool::post(std::function<void()> task) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.size() < queue_max_; });
    queue_.push_back(std::move(task));
    lock.unlock();
    changed_.notify_all();
}

void ThreadPool::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        auto task = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        changed_.notify_all();
        task();
        lock.lock();
    }
}

}  // namespace mutirao::os
