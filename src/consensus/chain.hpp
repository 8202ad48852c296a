// What an engine keeps on disk, and how the application comes back from it: the log of blocks, and
// a snapshot every few hundred of them. One thread at a time.
#pragma once

#include <deque>
#include <optional>

#include "consensus/block_log.hpp"
#include "consensus/engine.hpp"
#include "consensus/state_export.hpp"

namespace mutirao::consensus {

// How a chain came to begin after a state that it did not make itself.
enum class Origin : std::uint8_t {
    import = 1,      // moved from another ledger: an engine begins anew after it
    state_sync = 2,  // from others of the same chain: the engine goes on where they are
};

// "snapshot" on disk: a checksum, then the application's bytes.
struct SnapshotPlace {
    std::uint64_t height = 0;
    Digest last_hash;  // of the block at that height
};
inline constexpr std::string_view kSnapshotFile = "snapshot";
inline constexpr std::size_t kSnapshotChecksum = Digest::kSize;

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

    // Where the newest snapshot is; not_found when there is none yet, or its block is forgotten.
    Result<SnapshotPlace> snapshot() const;
    // Begins after a state from elsewhere: only before the first block (else already_exists). The
    // application has restored it and its state was checked.
    Status begin_at(const StateExport& state, Origin origin);
    // The height of the first block that an engine made here: 1, or that after an imported state.
    std::uint64_t first_height() const { return origin_ == Origin::import ? base_height_ + 1 : 1; }
    const Digest& last_hash() const { return last_hash_; }  // of the last block

    void at(std::string_view point) const {
        if (options_.at_point) options_.at_point(point);
    }
    std::uint64_t bytes_carried() const { return bytes_carried_; }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const;

  private:
    Status restore();
    Status read_base();
    void set_base(std::uint64_t height, const Digest& hash, Origin origin);
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
    std::optional<Origin> origin_;  // of the base
    std::deque<BlockFacts> facts_;
    std::uint64_t bytes_carried_ = 0;
};

}  // namespace mutirao::consensus
