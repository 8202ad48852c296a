#include <algorithm>
#include <deque>
#include <mutex>
#include <set>

#include "base/codec.hpp"
#include "base/log.hpp"
#include "consensus/block_log.hpp"
#include "consensus/engine.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kSnapshotMax = std::size_t{4} << 30;
constexpr std::string_view kSnapshotFile = "snapshot";  // checksum, then the application's bytes
static_assert(kWaitingMax <= kBlockTransactionsMax, "a block takes all that wait, if it must");

Digest snapshot_checksum(ByteSpan snapshot) {
    return crypto::blake3_keyed(crypto::domain_key("ledger snapshot"), snapshot);
}

class SoloEngine final : public Engine {
  public:
    SoloEngine(Disk& disk, Clock& clock, Application& application, EngineOptions options)
        : disk_(disk), clock_(clock), application_(application), options_(std::move(options)) {}

    Status open();
    Status submit(ByteSpan transaction) override;
    bool is_waiting(ByteSpan transaction) const override {
        const auto hash = crypto::blake3(transaction);
        const std::lock_guard lock(mutex_);
        return known_.contains(hash);
    }
    Result<bool> make_block(bool even_empty) override;
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
    void announce(const Block& block) const {
        if (options_.on_block) options_.on_block(block);
    }
    Status replay(const Block& block);
    Status run(const Block& block);
    void remember(const Block& block);
    void forget(const std::set<Digest>& included);
    Status restore();
    void write_snapshot();

    Disk& disk_;
    Clock& clock_;
    Application& application_;
    const EngineOptions options_;

    mutable std::mutex mutex_;  // guards everything below, and the application
    std::unique_ptr<BlockLog> log_;
    std::vector<Bytes> waiting_;  // in order of arrival
    std::set<Digest> known_;      // their hashes
    std::size_t waiting_bytes_ = 0;
    Digest last_hash_;
    std::uint64_t last_height_ = 0;      // in the log
    std::uint64_t snapshot_height_ = 0;  // of the newest snapshot
    std::deque<BlockFacts> facts_;
    std::uint64_t bytes_carried_ = 0;
    bool failed_ = false;
};

void SoloEngine::remember(const Block& block) {
    const auto bytes = block.encode().size();
    last_hash_ = block.hash();
    last_height_ = block.height;
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
    const auto name = "block " + std::to_string(block.height);
    if (block.previous != last_hash_ || block.height != last_height_ + 1)
        return Error{ErrorKind::corrupt, name + " does not follow the one before"};
    // Later blocks name the hash of earlier ones, so a signature covers all that came before it.
    if (block.height >= snapshot_height_ &&
        !crypto::verify(options_.proposer.public_key(), block.hash().span(), block.signature))
        return Error{ErrorKind::corrupt, name + " is not signed by this ledger"};
    remember(block);
    // Blocks up to the snapshot are part of it.
    if (block.height > snapshot_height_) TRY_VOID(run(block));
    announce(block);
    return {};
}

Status SoloEngine::restore() {
    TRY(auto exists, disk_.exists(kSnapshotFile));
    if (!exists) return {};
    TRY(auto stored, disk_.read_file(kSnapshotFile, kSnapshotMax));
    Reader in(stored);
    const auto expected = in.fixed<Digest>();
    const auto snapshot = ByteSpan(stored).subspan(in.offset());
    if (!expected.ok() || *expected != snapshot_checksum(snapshot))
        return Error{
            ErrorKind::corrupt,
            "the file \"snapshot\" is damaged; delete it, and the ledger replays blocks.log "
            "from the beginning"};
    TRY_VOID(application_.restore(snapshot));
    snapshot_height_ = application_.height();
    return {};
}

Status SoloEngine::open() {
    const std::lock_guard lock(mutex_);
    TRY_VOID(restore());
    TRY(log_, BlockLog::open(disk_, [this](const Block& block) { return replay(block); }));
    if (last_height_ < snapshot_height_)
        return Error{ErrorKind::corrupt,
                     "blocks.log ends at block " + std::to_string(last_height_) +
                         " and the snapshot is of block " + std::to_string(snapshot_height_) +
                         "; restore both from one copy"};
    return {};
}

Status SoloEngine::submit(ByteSpan transaction) {
    const std::lock_guard lock(mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    TRY_VOID(application_.check(transaction));
    const auto hash = crypto::blake3(transaction);
    if (known_.contains(hash)) return {};
    if (waiting_.size() >= kWaitingMax || waiting_bytes_ + transaction.size() > kWaitingBytesMax)
        return Error{ErrorKind::resource_exhausted,
                     "too many transactions wait for a block; send it again in a moment"};
    waiting_.push_back(to_bytes(transaction));
    waiting_bytes_ += transaction.size();
    known_.insert(hash);
    return {};
}

// Drops what is in a block, and what no block can take any more.
void SoloEngine::forget(const std::set<Digest>& included) {
    std::set<Digest> runnable;
    // One that waits for another to come first has room while there is much of it.
    const bool crowded = waiting_.size() > kWaitingMax / 2 || waiting_bytes_ > kWaitingBytesMax / 2;
    if (crowded)
        for (const auto& raw : application_.propose(waiting_, kWaitingBytesMax))
            runnable.insert(crypto::blake3(raw));
    std::erase_if(waiting_, [&](const Bytes& raw) {
        const auto hash = crypto::blake3(raw);
        const bool gone = included.contains(hash) || (crowded && !runnable.contains(hash)) ||
                          !application_.check(raw).ok();
        if (gone) {
            waiting_bytes_ -= raw.size();
            known_.erase(hash);
        }
        return gone;
    });
}

// The block is final already, so a snapshot that cannot be written is only tried again later.
void SoloEngine::write_snapshot() {
    at("snapshot_before_write");
    const auto snapshot = application_.snapshot();
    Writer out;
    out.raw(snapshot_checksum(snapshot).span()).raw(snapshot);
    if (auto written = disk_.write_file_atomic(kSnapshotFile, out.bytes()); !written.ok()) {
        LOG_WARN("the ledger's snapshot was not written: " + written.error().message);
        return;
    }
    snapshot_height_ = application_.height();
    at("snapshot_after_write");
}

Result<bool> SoloEngine::make_block(bool even_empty) {
    const std::lock_guard lock(mutex_);
    if (failed_) return Error{ErrorKind::unavailable, "the ledger has stopped after a disk error"};
    if (waiting_.empty() && !even_empty) return false;
    Block block;
    block.transactions = application_.propose(waiting_, kBlockBytesMax);
    if (block.transactions.empty()) {
        forget({});
        if (!even_empty) return false;
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
    std::set<Digest> included;
    for (const auto& raw : block.transactions) included.insert(crypto::blake3(raw));
    forget(included);
    announce(block);
    if (block.height - snapshot_height_ >= options_.snapshot_every) write_snapshot();
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
