// Orders transactions into blocks. `solo` is one process that proposes, persists and executes;
// `cometbft` (comet.hpp) takes its place when one machine is outgrown.
#pragma once

#include <functional>
#include <memory>
#include <string>

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
    // Bytes of all blocks so far: what consensus has carried.
    virtual std::uint64_t bytes_carried() const = 0;
    // Blocks from `from`, oldest first, at most `limit`; the newest kFactsKept are known.
    virtual std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const = 0;
    // Runs `look` while no block is being committed.
    virtual void with_application(const std::function<void(const Application&)>& look) const = 0;
    // Begins a connection of CometBFT's (ABCI over a socket). Empty for an engine that nobody
    // drives from outside.
    virtual Conversation converse() { return {}; }
};

inline constexpr std::size_t kFactsKept = 4096;
inline constexpr std::size_t kWaitingMax = 8192;  // transactions
inline constexpr std::size_t kWaitingBytesMax = 64 << 20;

// Where a test may stop the process; named in the order of one block.
using AtPoint = std::function<void(std::string_view point)>;

// Told of every block, in order: those of the log while the engine opens, and each new one once it
// is final. The engine waits for it, and `with_application` must not be called from it. While the
// log is read, the application may already stand at a later block, that of its snapshot.
using OnBlock = std::function<void(const Block& block)>;

struct EngineOptions {
    std::string engine = "solo";  // or "cometbft"
    crypto::BlsSecretKey proposer;
    std::uint64_t snapshot_every = 256;  // blocks
    AtPoint at_point;                    // may be empty
    OnBlock on_block = {};               // likewise
};

// Opens the log under `disk`, brings the application to where it was, and checks that it arrives at
// the same state (corrupt otherwise). invalid_argument for an engine that there is not. All
// references must outlive the engine.
Result<std::unique_ptr<Engine>> open_engine(Disk& disk, Clock& clock, Application& application,
                                            EngineOptions options);

}  // namespace mutirao::consensus
