// What an engine keeps on disk, and how the application comes back from it: the log of blocks, and
// a snapshot every few hundred of them. One thread at a time.
#pragma once

#include <deque>
#include <optional>

#include "consensus/block_log.hpp"
#include "consensus/engine.hpp"
#include "consensus/history_log.hpp"
#include "consensus/snapshot_store.hpp"

namespace mutirao::consensus {

// How a chain came to begin after a state that it did not make itself.
enum class Origin : std::uint8_t {
    import = 1,      // moved from another ledger: an engine begins anew after it
    state_sync = 2,  // from others of the same chain: the engine goes on where they are
};

class Chain {
  public:
    // All references must outlive it.
    Chain(Disk& disk, Application& application, const EngineOptions& options)
        : disk_(disk),
          application_(application),
          options_(options),
          writer_(disk, options.snapshots, options.at_point) {}

    // Restores the snapshot and replays the log from there on; corrupt when they do not fit each
    // other. What is only looked at is left on the disk.
    Status open();
    // As Engine's. Any thread, beside all else, once it is open.
    std::uint64_t opened_at() const { return opened_at_; }
    Status read_history(const EachHistoryPart& each) const { return history_->read(each); }
    Status read_blocks(std::uint64_t from, const Engine::EachBlock& each) const;
    // The block that follows, signed by this machine.
    Block next(std::uint64_t time_ms, std::vector<Bytes> transactions) const;
    // A failure leaves everything as it was.
    Status append(const Block& block);
    // Makes the appended block durable. After a failure only opening again is safe.
    Status sync();
    // Executes without committing; the state hash after it. corrupt when the block builds on
    // another state.
    Result<Digest> finalize(const Block& block);
    // The appended block is final: it is counted and told of, and perhaps a snapshot is begun.
    void finished(const Block& block);

    // The newest snapshot that is wholly on disk; not_found when there is none yet.
    Result<StateIndex> snapshot() const;
    // Begins after a state from elsewhere: only before the first block (else already_exists). The
    // application has restored it and its state was checked.
    Status begin_at(const StateExport& state, Origin origin);
    // Blocks below it need not be kept, by nobody: 0 when all are.
    std::uint64_t kept_from() const;
    // The height of the first block that an engine made here: 1, or that after an imported state.
    std::uint64_t first_height() const { return origin_ == Origin::import ? base_height_ + 1 : 1; }
    const Digest& last_hash() const { return last_hash_; }  // of the last block

    void at(std::string_view point) const {
        if (options_.at_point) options_.at_point(point);
    }
    std::uint64_t bytes_carried() const { return bytes_carried_; }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const;

  private:
    std::uint64_t snapshot_height() const { return snapshot_ ? snapshot_->height : 0; }
    Status restore();
    Status read_base();
    void set_base(std::uint64_t height, const Digest& hash, Origin origin);
    // Runs the block that it was given last, and keeps this one until the next call.
    Status read_ahead(Block block, ByteSpan findings);
    Status replay_read();
    void believe(const Block& block, ByteSpan findings) const;
    Status replay(const Block& block);
    Status begin_after_forgotten(const Block& first);
    void remember(const Block& block);
    void announce(const Block& block) const {
        if (options_.on_block) options_.on_block(block);
    }
    void begin_snapshot(const Block& block);
    void end_snapshot();
    void forget_old();

    Disk& disk_;
    Application& application_;
    const EngineOptions& options_;
    std::unique_ptr<BlockLog> log_;
    std::unique_ptr<HistoryLog> history_;
    std::uint64_t opened_at_ = 0;  // the snapshot's height then
    std::optional<Block> read_;    // out of the log, not run yet
    Digest last_hash_;
    std::uint64_t last_height_ = 0;       // in the log
    std::optional<StateIndex> snapshot_;  // the newest
    // Where a snapshot was begun, and what the application had run then.
    struct Begun {
        std::uint64_t height = 0, ran = 0;
    };
    Begun written_, begun_;          // the newest, and the newest or the one that is being written
    std::uint64_t base_height_ = 0;  // the log begins after it
    Digest base_hash_;
    std::optional<Origin> origin_;  // of the base
    std::deque<BlockFacts> facts_;
    std::uint64_t bytes_carried_ = 0;
    SnapshotWriter writer_;
};

}  // namespace mutirao::consensus
