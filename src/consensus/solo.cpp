#include <mutex>

#include "consensus/chain.hpp"
#include "consensus/comet.hpp"
#include "consensus/waiting.hpp"

namespace mutirao::consensus {
namespace {

class SoloEngine final : public Engine {
  public:
    SoloEngine(Disk& disk, Clock& clock, Application& application, EngineOptions options)
        : clock_(clock),
          application_(application),
          options_(std::move(options)),
          chain_(disk, application, options_),
          waiting_(application) {}

    Status open() {
        const std::lock_guard lock(mutex_);
        return chain_.open();
    }
    Status submit(ByteSpan transaction) override;
    bool is_waiting(ByteSpan transaction) const override {
        const std::lock_guard lock(mutex_);
        return waiting_.contains(transaction);
    }
    Result<bool> make_block(bool even_empty) override;
    std::uint64_t bytes_carried() const override {
        const std::lock_guard lock(mutex_);
        return chain_.bytes_carried();
    }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const override {
        const std::lock_guard lock(mutex_);
        return chain_.blocks(from, limit);
    }
    void with_application(const std::function<void(const Application&)>& look) const override {
        const std::lock_guard lock(mutex_);
        look(application_);
    }

  private:
    Status run(const Block& block);

    Clock& clock_;
    Application& application_;
    const EngineOptions options_;

    mutable std::mutex mutex_;  // guards everything below, and the application
    Chain chain_;
    Waiting waiting_;
    bool failed_ = false;
};

Status SoloEngine::submit(ByteSpan transaction) {
    const std::lock_guard lock(mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    TRY_VOID(waiting_.add(transaction));
    return {};
}

Status SoloEngine::run(const Block& block) {
    TRY_VOID(chain_.sync());
    TRY_VOID(chain_.finalize(block));
    return application_.commit();
}

Result<bool> SoloEngine::make_block(bool even_empty) {
    const std::lock_guard lock(mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    if (waiting_.all().empty() && !even_empty) return false;
    auto transactions = application_.propose(waiting_.all(), kBlockBytesMax);
    if (transactions.empty()) {
        waiting_.forget({});
        if (!even_empty) return false;
    }
    const auto block = chain_.next(clock_.unix_ms(), std::move(transactions));
    TRY_VOID(chain_.append(block));  // a full disk: nothing changed, the transactions keep waiting
    if (auto done = run(block); !done.ok()) {
        failed_ = true;  // the log may hold a block that memory does not: only a restart is safe
        return done.error();
    }
    chain_.at("after_commit");
    waiting_.forget(block.transactions);
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
