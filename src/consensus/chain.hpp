// What an engine keeps on disk, and how the application comes back from it: the log of blocks, and
// a snapshot every few hundred of them. One thread at a time.
#pragma once

#include <deque>

#include "consensus/block_log.hpp"
#include "consensus/engine.hpp"

namespace mutirao::consensus {

// "snapshot" on disk: a checksum, then the application's bytes.
struct StoredSnapshot {
    std::uint64_t height = 0;
    Digest last_hash;  // of the block at that height
    Bytes state;       // for Application::restore
};

class Chain {
  public:
    // All references must outlive it.
    Chain(Disk& disk, Application& application, const EngineOptions& options)
        : disk_(disk), application_(application), options_(options) {}

    // Restores the snapshot and replays the log; corrupt when they do not fit each other.
    Status open();
    // The block that follows, signed by this machine.
    Block next(std::uint64_t time_ms, std::vector<Bytes> transactions) const;
    // A failure leaves everything as it was.
    Status append(const Block& block);
    // Makes the appended block durable. After a failure only opening again is safe.
    Status sync();
    // Executes without committing. corrupt when the block builds on another state.
    Status finalize(const Block& block);
    // The appended block is final: it is counted and told of, and perhaps a snapshot is written.
    void finished(const Block& block);

    // The newest snapshot; not_found when there is none yet, or its block is forgotten.
    Result<StoredSnapshot> snapshot() const;
    // Begins at a snapshot of another machine: only before the first block (else already_exists).
    // The application has restored it and its state was checked.
    Status begin_at(const StoredSnapshot& snapshot);

    void at(std::string_view point) const {
        if (options_.at_point) options_.at_point(point);
    }
    std::uint64_t bytes_carried() const { return bytes_carried_; }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const;

  private:
    Status restore();
    Status read_base();
    Status replay(const Block& block);
    void remember(const Block& block);
    void announce(const Block& block) const {
        if (options_.on_block) options_.on_block(block);
    }
    void write_snapshot();

    Disk& disk_;
    Application& application_;
    const EngineOptions& options_;
    std::unique_ptr<BlockLog> log_;
    Digest last_hash_;
    std::uint64_t last_height_ = 0;      // in the log
    std::uint64_t snapshot_height_ = 0;  // of the newest snapshot
    std::uint64_t base_height_ = 0;      // the log begins after it
    Digest base_hash_;
    std::deque<BlockFacts> facts_;
    std::uint64_t bytes_carried_ = 0;
};

}  // namespace mutirao::consensus
