#include "net/worker_pool.hpp"

#include <system_error>

#include "base/ensure.hpp"

namespace mutirao::net {

WorkerPool::WorkerPool(std::size_t threads_max, std::size_t queue_max)
    : threads_max_(threads_max), queue_max_(queue_max) {
    ENSURE(threads_max > 0, "a pool needs a thread");
}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::try_post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (queue_.size() + busy_ >= threads_max_ + queue_max_) return false;
    queue_.push_back(std::move(task));
    if (queue_.size() + busy_ > threads_.size() && threads_.size() < threads_max_) try {
            threads_.emplace_back([this] { run(); });
        } catch (const std::system_error&) {  // the system has no more; those we have go on
            if (!threads_.empty()) return true;
            queue_.pop_back();
            return false;
        }
    changed_.notify_one();
    return true;
}

void WorkerPool::stop() {
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        threads.swap(threads_);
    }
    changed_.notify_all();
    for (auto& thread : threads) thread.join();
}

void WorkerPool::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        ++busy_;
        auto task = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        task();
        task = nullptr;
        lock.lock();
        --busy_;
    }
}

}  // namespace mutirao::net
