// What a ledger reads only after it has opened: old blocks, and what they left in the history.
#include "base/log.hpp"
#include "node/ledger_role.hpp"

namespace mutirao::node {

// Shared with the task, which may come to run when the role is gone.
class LedgerRole::Reading {
  public:
    // Whether the task may go on; until end() the role stays.
    bool begin() {
        const std::lock_guard lock(mutex_);
        running_ = !cancelled_;
        return running_;
    }
    void end() {
        const std::lock_guard lock(mutex_);
        running_ = false;
        ended_.notify_all();
    }
    void cancel() {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
    }
    void wait() {
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [&] { return !running_; });
    }
    bool is_cancelled() const {
        const std::lock_guard lock(mutex_);
        return cancelled_;
    }

  private:
    mutable std::mutex mutex_;  // guards everything below
    std::condition_variable ended_;
    bool running_ = false, cancelled_ = false;
};

void LedgerRole::begin_reading_old(Executor* executor) {
    if (engine_->opened_at() == 0) return;
    ethereum_.expect_old(engine_->opened_at());
    reading_ = std::make_shared<Reading>();
    const auto task = [this, reading = reading_] {
        if (!reading->begin()) return;
        const auto begun = clock_.monotonic();
        const auto done = read_old();
        const auto took = clock_.monotonic() - begun;
        if (done.ok()) {
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
            LOG_INFO("old blocks are here after " + std::to_string(ms) + " ms");
        } else if (!reading->is_cancelled()) {
            LOG_ERROR("what blocks up to " + std::to_string(engine_->opened_at()) +
                      " left cannot be shown: " + done.error().message);
            engine_->change_application(
                [this] { static_cast<void>(application_.recall(LedgerApplication::Recalled())); });
        }
        ethereum_.end_of_old();
        reading->end();
    };
    if (executor == nullptr)
        task();
    else
        executor->post(task);
}

Status LedgerRole::read_old() {
    const auto stopped = [&]() -> Status {
        if (reading_->is_cancelled()) return Error{ErrorKind::unavailable, "the ledger stops"};
        return {};
    };
    TRY(auto recalled, LedgerApplication::read([&](const auto& each) {
            return engine_->read_history([&](auto height, auto part) -> Status {
                TRY_VOID(stopped());
                return each(height, part);
            });
        }));
    const auto& history = recalled.history;
    const auto first = recalled.last_height + 1 - history.blocks();
    auto blocks = std::make_unique<EthHistory>();
    LedgerApplication::LaneTips tips;
    const auto keep = [&](const consensus::Block& block) -> Status {
        TRY(auto ran, application_.expand_again(block, tips));
        return blocks->add_old(block, std::move(ran.transactions),
                               history.block(block.height - first));
    };
    TRY_VOID(engine_->read_blocks(first, [&](const auto& block) -> Status {
        TRY_VOID(stopped());
        if (block.height > recalled.last_height) return {};
        if (const auto kept = keep(block); !kept.ok()) {
            LOG_ERROR("block " + std::to_string(block.height) +
                      " and those before it cannot be shown: " + kept.error().message);
            blocks = std::make_unique<EthHistory>();
        }
        return {};
    }));
    Status failed;
    engine_->change_application([&] { failed = application_.recall(std::move(recalled)); });
    TRY_VOID(failed);
    ethereum_.put_before(*blocks);
    return {};
}

void LedgerRole::stop() {
    stopping_ = true;
    if (reading_) reading_->cancel();
    ethereum_.end_of_old();
}

LedgerRole::~LedgerRole() {
    stop();
    if (reading_) reading_->wait();
}

}  // namespace mutirao::node
