#include <algorithm>
#include <deque>
#include <mutex>

#include "base/codec.hpp"
#include "consensus/block_log.hpp"
#include "consensus/engine.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kSnapshotMax = std::size_t{4} << 30;
constexpr std::string_view kSnapshotFile = "snapshot";

class SoloEngine final : public Engine {
  public:
    SoloEngine(Disk& disk, Clock& clock, Application& application, EngineOptions options)
        : disk_(disk), clock_(clock), application_(application), options_(std::move(options)) {}

    Status open();
    Status submit(ByteSpan transaction) override;
    Result<bool> make_block() override;
    std::uint64_t bytes_carried() const override {
        const std::lock_guard lock(mutex_);
        return bytes_carried_;
    }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const override;
    void with_application(const std::function<void(const Application&)>& look) const override {
        const std::lock_guard lock(mutex_);
        look(application_);
    }

  private:
    void at(std::string_view point) const {
        if (options_.at_point) options_.at_point(point);
    }
    Status replay(const Block& block);
    Status run(const Block& block);
    void remember(const Block& block);
    void forget_included(const std::vector<Bytes>& included);

    Disk& disk_;
    Clock& clock_;
    Application& application_;
    const EngineOptions options_;

    mutable std::mutex mutex_;  // guards everything below, and the application
    std::unique_ptr<BlockLog> log_;
    std::vector<Bytes> waiting_;
    std::size_t waiting_bytes_ = 0;
    Digest last_hash_;
    std::deque<BlockFacts> facts_;
    std::uint64_t bytes_carried_ = 0;
    bool failed_ = false;
};

void SoloEngine::remember(const Block& block) {
    const auto bytes = block.encode().size();
    last_hash_ = block.hash();
    bytes_carried_ += bytes;
    facts_.push_back({block.height, block.time_ms,
                      static_cast<std::uint32_t>(block.transactions.size()), bytes, last_hash_});
    if (facts_.size() > kFactsKept) facts_.pop_front();
}

Status SoloEngine::run(const Block& block) {
    if (block.state_before != application_.state_hash())
        return Error{ErrorKind::corrupt, "block " + std::to_string(block.height) +
                                             " builds on another state than this ledger has; its "
                                             "data folder mixes two histories"};
    auto finalized = application_.finalize(block.height, block.time_ms, block.transactions);
    if (!finalized.ok()) return std::move(finalized).error();
    at("after_finalize");
    return application_.commit();
}

Status SoloEngine::replay(const Block& block) {
    if (block.previous != last_hash_)
        return Error{ErrorKind::corrupt,
                     "block " + std::to_string(block.height) + " does not follow the one before"};
    if (!crypto::verify(options_.proposer.public_key(), block.hash().span(), block.signature))
        return Error{ErrorKind::corrupt,
                     "block " + std::to_string(block.height) + " is not signed by this ledger"};
    remember(block);
    // Blocks up to the snapshot are part of it.
    if (block.height <= application_.height()) return {};
    return run(block);
}

Status SoloEngine::open() {
    const std::lock_guard lock(mutex_);
    TRY(auto exists, disk_.exists(kSnapshotFile));
    if (exists) {
        TRY(auto snapshot, disk_.read_file(kSnapshotFile, kSnapshotMax));
        TRY_VOID(application_.restore(snapshot));
    }
    const auto snapshot_height = application_.height();
    TRY(log_, BlockLog::open(disk_, [this](const Block& block) { return replay(block); }));
    if (application_.height() < snapshot_height ||
        facts_.size() < std::min<std::uint64_t>(snapshot_height, kFactsKept))
        return Error{ErrorKind::corrupt,
                     "blocks.log ends before the snapshot does; restore both "
                     "from one copy"};
    return {};
}

Status SoloEngine::submit(ByteSpan transaction) {
    const std::lock_guard lock(mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    TRY_VOID(application_.check(transaction));
    if (waiting_.size() >= kWaitingMax || waiting_bytes_ + transaction.size() > kWaitingBytesMax)
        return Error{ErrorKind::resource_exhausted,
                     "too many transactions wait for a block; send it again in a moment"};
    if (std::any_of(waiting_.begin(), waiting_.end(), [&](const Bytes& known) {
            return std::equal(known.begin(), known.end(), transaction.begin(), transaction.end());
        }))
        return {};
    waiting_.push_back(to_bytes(transaction));
    waiting_bytes_ += transaction.size();
    return {};
}

void SoloEngine::forget_included(const std::vector<Bytes>& included) {
    std::erase_if(waiting_, [&](const Bytes& raw) {
        const bool gone = std::find(included.begin(), included.end(), raw) != included.end() ||
                          !application_.check(raw).ok();
        if (gone) waiting_bytes_ -= raw.size();
        return gone;
    });
}

Result<bool> SoloEngine::make_block() {
    const std::lock_guard lock(mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    if (waiting_.empty()) return false;
    Block block;
    block.transactions = application_.propose(waiting_, kBlockBytesMax);
    if (block.transactions.empty()) {
        forget_included({});
        return false;
    }
    block.height = application_.height() + 1;
    block.time_ms = std::max(clock_.unix_ms(), application_.time_ms());
    block.previous = last_hash_;
    block.state_before = application_.state_hash();
    block.signature = options_.proposer.sign(block.hash().span());

    at("block_before_append");
    TRY_VOID(log_->append(block));  // a full disk: nothing changed, the transactions keep waiting
    at("block_after_append");
    const auto done = [&]() -> Status {
        TRY_VOID(log_->sync());
        at("block_after_sync");
        return run(block);
    }();
    if (!done.ok()) {
        failed_ = true;  // the log may hold a block that memory does not: only a restart is safe
        return done.error();
    }
    at("after_commit");
    remember(block);
    forget_included(block.transactions);
    if (block.height % options_.snapshot_every == 0) {
        at("snapshot_before_write");
        TRY_VOID(disk_.write_file_atomic(kSnapshotFile, application_.snapshot()));
        at("snapshot_after_write");
    }
    return true;
}

std::vector<BlockFacts> SoloEngine::blocks(std::uint64_t from, std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    std::vector<BlockFacts> out;
    for (const auto& facts : facts_)
        if (facts.height >= from && out.size() < limit) out.push_back(facts);
    return out;
}

}  // namespace

Result<std::unique_ptr<Engine>> open_engine(Disk& disk, Clock& clock, Application& application,
                                            EngineOptions options) {
    if (options.engine == "cometbft")
        return Error{ErrorKind::unimplemented,
                     "the CometBFT engine is not built yet; use the solo engine"};
    if (options.engine != "solo")
        return Error{ErrorKind::invalid_argument,
                     "there is no consensus engine \"" + options.engine + "\""};
    auto engine = std::make_unique<SoloEngine>(disk, clock, application, std::move(options));
    TRY_VOID(engine->open());
    return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace mutirao::consensus
