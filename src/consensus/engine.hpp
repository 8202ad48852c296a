// Orders transactions into blocks. `solo` is one process that proposes, persists and executes;
// `cometbft` (comet.hpp) takes its place when one machine is outgrown.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/parallel.hpp"
#include "base/ports.hpp"
#include "consensus/application.hpp"
#include "consensus/block.hpp"

namespace mutirao::consensus {

struct BlockFacts {
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    std::uint32_t transactions = 0;
    std::uint64_t bytes = 0;
    Digest hash;
};

// One connection from outside: bytes that came, and the bytes to answer with. An error ends the
// connection. One thread at a time; it must not outlive the engine.
using Conversation = std::function<Result<Bytes>(ByteSpan bytes)>;

// Any thread may call.
class Engine {
  public:
    virtual ~Engine() = default;
    // Takes a transaction that the application accepts; resource_exhausted when too many wait.
    virtual Status submit(ByteSpan transaction) = 0;
    // Whether it was taken and is in no block yet.
    virtual bool is_waiting(ByteSpan transaction) const = 0;
    // Makes a block of what waits, if anything does or `even_empty`; returns whether it did. An
    // error stops the engine: nothing that was reported as final is lost. `cometbft` makes blocks
    // when its validators agree: there it only says whether one came since the last call.
    virtual Result<bool> make_block(bool even_empty = false) = 0;
    // Bytes of all blocks so far, but for those that were forgotten before the engine opened, or
    // are so much older than its snapshot that they were not read: what consensus has carried.
    virtual std::uint64_t bytes_carried() const = 0;
    // Blocks from `from`, oldest first, at most `limit`; the newest kFactsKept of those are known.
    virtual std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const = 0;
    // Runs `look` while no block is being committed, perhaps beside others that look. It must not
    // call the engine.
    virtual void with_application(const std::function<void(const Application&)>& look) const = 0;
    // Runs `change` while nobody else looks at the application or makes a block: for what changes
    // nothing that blocks are made of.
    virtual void change_application(const std::function<void()>& change) = 0;
    // What is only looked at is not read when the engine opens, but by these, from the disk, on any
    // thread and beside any other call. `opened_at`: the height of the snapshot that it went on
    // after, 0 without one.
    virtual std::uint64_t opened_at() const = 0;
    // What blocks up to there left in the history, as Application::recall() wants it; nothing of
    // those that were forgotten. corrupt for damage.
    virtual Status read_history(const EachHistoryPart& each) const = 0;
    // Blocks from `from` up to there, in order, as far as they are kept; an error of `each` is the
    // result. corrupt for damage.
    using EachBlock = std::function<Status(const Block& block)>;
    virtual Status read_blocks(std::uint64_t from, const EachBlock& each) const = 0;
    // Begins a connection of CometBFT's (ABCI over a socket). Empty for an engine that nobody
    // drives from outside.
    virtual Conversation converse() { return {}; }
};

inline constexpr std::size_t kFactsKept = 4096;
// 3.5 hours of four blocks a second.
inline constexpr std::uint64_t kBlocksKept = 50'000;
inline constexpr std::size_t kWaitingMax = 8192;  // transactions
inline constexpr std::size_t kWaitingBytesMax = 64 << 20;

// Where a test may stop the process; named in the order of one block.
using AtPoint = std::function<void(std::string_view point)>;

// Told of every block after the snapshot's, in order: those of the log while the engine opens, and
// each new one once it is final. The engine waits for it, and `with_application` must not be called
// from it. The application stands at that block.
using OnBlock = std::function<void(const Block& block)>;

// Told after old blocks were forgotten: `first` is the first that is kept. As OnBlock.
using OnForgotten = std::function<void(std::uint64_t first)>;

struct EngineOptions {
    std::string engine = "solo";  // or "cometbft"
    crypto::BlsSecretKey proposer;
    std::uint64_t snapshot_every = 256;  // blocks
    AtPoint at_point;                    // may be empty
    OnBlock on_block = {};               // likewise
    // A snapshot comes sooner when so many transactions have run since the last was begun.
    std::uint64_t snapshot_transactions = 3 << 15;
    // Blocks that are kept at least, and all since the snapshot; 0: all for ever (an archive). With
    // `cometbft`, CometBFT is told that it may forget as many.
    std::uint64_t blocks_kept = kBlocksKept;
    OnForgotten on_forgotten = {};  // may be empty
    // Writes snapshots while blocks are made; must outlive the engine. Null: the engine waits for
    // each.
    Executor* snapshots = nullptr;
    // Help while the engine opens: what is known of a block's transactions is brought back
    // (Application::believe) beside the run of the block before it.
    Threads threads = {};
    // Told, while the engine opens, that the snapshot of this height (0: none) is restored, and the
    // log comes next. May be empty.
    std::function<void(std::uint64_t height)> on_restored = {};
    std::uint64_t log_segment_bytes = 16 << 20;  // of blocks and of the history
};

// Opens the log under `disk`, brings the application to where it was, and checks that it arrives at
// the same state (corrupt otherwise). invalid_argument for an engine that there is not. All
// references must outlive the engine.
Result<std::unique_ptr<Engine>> open_engine(Disk& disk, Clock& clock, Application& application,
                                            EngineOptions options);

}  // namespace mutirao::consensus
