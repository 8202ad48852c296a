#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace mutirao {
namespace {

// Outlives the call while the executor still holds posted workers, which then find nothing to do.
struct Shared {
    const std::function<void(unsigned, std::size_t)>* task;  // valid while a task is not done
    std::size_t tasks;
    std::atomic<std::size_t> next{0};
    std::atomic<unsigned> workers{0};
    std::mutex mutex;  // guards done
    std::condition_variable all_done;
    std::size_t done = 0;

    void work() {
        const unsigned worker = workers.fetch_add(1);
        std::size_t finished = 0;
        for (std::size_t index; (index = next.fetch_add(1)) < tasks; ++finished)
            (*task)(worker, index);
        if (finished == 0) return;
        const std::lock_guard lock(mutex);
        done += finished;
        if (done == tasks) all_done.notify_all();
    }
};

}  // namespace

void run_parallel(const Threads& threads, std::size_t tasks,
                  const std::function<void(unsigned, std::size_t)>& task) {
    const auto workers = std::min<std::size_t>(threads.workers(), tasks);
    if (workers <= 1) {
        for (std::size_t index = 0; index < tasks; ++index) task(0, index);
        return;
    }
    auto shared = std::make_shared<Shared>();
    shared->task = &task;
    shared->tasks = tasks;
    for (std::size_t i = 1; i < workers; ++i) threads.executor->post([shared] { shared->work(); });
    shared->work();
    std::unique_lock lock(shared->mutex);
    shared->all_done.wait(lock, [&] { return shared->done == tasks; });
}

}  // namespace mutirao
