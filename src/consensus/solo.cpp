#include <atomic>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#include "consensus/chain.hpp"
#include "consensus/comet.hpp"
#include "consensus/waiting.hpp"

namespace mutirao::consensus {
namespace {

// Transactions that are taken while a block is made. Whoever brings more waits until it is: the
// next block should not be larger than what this one leaves time for.
constexpr std::size_t kTakenBeside = 256;

// A lock that many hold to look and one to change. Whoever comes to look while somebody waits to
// change waits too: a crowd that looks without a pause holds up no block.
class StateMutex {
  public:
    void lock() {
        const std::lock_guard turn(turn_);
        state_.lock();
    }
    void unlock() { state_.unlock(); }
    void lock_shared() {
        const std::lock_guard turn(turn_);
        state_.lock_shared();
    }
    void unlock_shared() { state_.unlock_shared(); }

  private:
    std::mutex turn_;
    std::shared_mutex state_;
};

// A block is proposed, stored and executed while others look at the state before it and hand over
// transactions; they wait only while it is committed. Locks are taken in the order of the members.
class SoloEngine final : public Engine {
  public:
    SoloEngine(Disk& disk, Clock& clock, Application& application, EngineOptions options)
        : clock_(clock),
          application_(application),
          options_(std::move(options)),
          chain_(disk, application, options_),
          waiting_(application) {}

    Status open() {
        const std::lock_guard making(block_mutex_);
        const std::lock_guard state(state_mutex_);
        return chain_.open();
    }
    Status submit(ByteSpan transaction) override;
    bool is_waiting(ByteSpan transaction) const override {
        const std::lock_guard lock(waiting_mutex_);
        return waiting_.contains(transaction);
    }
    Result<bool> make_block(bool even_empty) override;
    std::uint64_t bytes_carried() const override {
        const std::shared_lock lock(state_mutex_);
        return chain_.bytes_carried();
    }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const override {
        const std::shared_lock lock(state_mutex_);
        return chain_.blocks(from, limit);
    }
    void change_application(const std::function<void()>& change) override {
        const std::lock_guard making(block_mutex_);
        const std::lock_guard state(state_mutex_);
        change();
    }
    std::uint64_t opened_at() const override { return chain_.opened_at(); }
    Status read_history(const EachHistoryPart& each) const override {
        return chain_.read_history(each);
    }
    Status read_blocks(std::uint64_t from, const EachBlock& each) const override {
        return chain_.read_blocks(from, each);
    }
    void with_application(const std::function<void(const Application&)>& look) const override {
        const std::shared_lock lock(state_mutex_);
        look(application_);
    }

  private:
    Status execute(const Block& block);
    Status commit(const Block& block);
    // What waits now, and from now until the end of its life a block is being made.
    class Making {
      public:
        explicit Making(SoloEngine& engine) : engine_(engine) {
            const std::lock_guard lock(engine_.waiting_mutex_);
            engine_.making_ = true;
            engine_.taken_beside_ = 0;
            offered_ = engine_.waiting_.all();
        }
        Making(const Making&) = delete;
        Making& operator=(const Making&) = delete;
        ~Making() {
            const std::lock_guard lock(engine_.waiting_mutex_);
            engine_.making_ = false;
            engine_.made_.notify_all();
        }
        const std::vector<Bytes>& offered() const { return offered_; }

      private:
        SoloEngine& engine_;
        std::vector<Bytes> offered_;
    };

    Clock& clock_;
    Application& application_;  // changed under state_mutex_
    const EngineOptions options_;

    std::mutex block_mutex_;          // held to make a block
    mutable StateMutex state_mutex_;  // guards what blocks change
    Chain chain_;
    std::atomic<bool> failed_ = false;
    mutable std::mutex waiting_mutex_;  // guards everything below
    Waiting waiting_;
    bool making_ = false;
    std::size_t taken_beside_ = 0;  // since the block was begun that is being made
    std::condition_variable made_;
};

Status SoloEngine::submit(ByteSpan transaction) {
    {
        const auto weight = application_.weight(transaction);
        std::unique_lock lock(waiting_mutex_);
        made_.wait(lock, [&] { return !making_ || taken_beside_ < kTakenBeside; });
        taken_beside_ += weight;
    }
    const std::shared_lock state(state_mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    const std::lock_guard lock(waiting_mutex_);
    TRY_VOID(waiting_.add(transaction));
    return {};
}

Status SoloEngine::execute(const Block& block) {
    TRY_VOID(chain_.sync());
    TRY_VOID(chain_.finalize(block));
    return {};
}

Status SoloEngine::commit(const Block& block) {
    TRY_VOID(application_.commit());
    chain_.at("after_commit");
    const std::lock_guard lock(waiting_mutex_);
    waiting_.forget(block.transactions);
    return {};
}

Result<bool> SoloEngine::make_block(bool even_empty) {
    const std::lock_guard making(block_mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    const Making now(*this);
    if (now.offered().empty() && !even_empty) return false;
    auto transactions = application_.propose(now.offered(), kBlockBytesMax);
    if (transactions.empty() && !even_empty) {
        const std::lock_guard lock(waiting_mutex_);
        waiting_.forget({});
        return false;
    }
    const auto block = chain_.next(clock_.unix_ms(), std::move(transactions));
    TRY_VOID(chain_.append(block));  // a full disk: nothing changed, the transactions keep waiting
    auto done = execute(block);
    const std::lock_guard state(state_mutex_);
    if (done.ok()) done = commit(block);
    if (!done.ok()) {
        failed_ = true;  // the log may hold a block that memory does not: only a restart is safe
        return done.error();
    }
    chain_.finished(block);
    return true;
}

}  // namespace

Result<std::unique_ptr<Engine>> open_engine(Disk& disk, Clock& clock, Application& application,
                                            EngineOptions options) {
    if (options.engine == "cometbft") return open_comet(disk, application, std::move(options));
    if (options.engine != "solo")
        return Error{ErrorKind::invalid_argument,
                     "there is no consensus engine \"" + options.engine + "\""};
    auto engine = std::make_unique<SoloEngine>(disk, clock, application, std::move(options));
    TRY_VOID(engine->open());
    return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace mutirao::consensus
