#include "ledger/gathering.hpp"

#include <utility>

namespace mutirao::ledger {

void Gathering::bring(std::vector<block::Certificate> mine, const Verify& verify) {
    if (mine.empty()) return;
    std::unique_lock lock(mutex_);
    std::move(mine.begin(), mine.end(), std::back_inserter(waiting_));
    const auto group = group_;
    for (;;) {
        changed_.wait(lock, [&] { return verified_ >= group || !at_work_; });
        if (verified_ >= group) return;
        at_work_ = true;
        const auto taken = std::exchange(waiting_, {});
        const auto number = group_++;
        lock.unlock();
        verify(taken);
        lock.lock();
        verified_ = number;
        at_work_ = false;
        changed_.notify_all();
    }
}

}  // namespace mutirao::ledger
