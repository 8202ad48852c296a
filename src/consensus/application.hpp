// What consensus orders transactions for. The five calls have ABCI's meaning, so that an engine of
// our own and CometBFT drive the same application.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::consensus {

// Called by one thread at a time, but for prepare().
class Application {
  public:
    virtual ~Application() = default;
    // Does what is costly about transactions that the calls below will see soon, so that these are
    // quick. Any thread, beside any other call; it changes nothing that they answer.
    virtual void prepare(std::span<const ByteSpan> transactions) const {
        static_cast<void>(transactions);
    }
    // May the transaction wait for a block?
    virtual Status check(ByteSpan transaction) = 0;
    // Which of the waiting transactions go into the next block, in which order.
    virtual std::vector<Bytes> propose(const std::vector<Bytes>& waiting,
                                       std::size_t bytes_max) = 0;
    // Executes a block without making it final; returns the state hash after it. Deterministic.
    virtual Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                                    const std::vector<Bytes>& transactions) = 0;
    // Makes the last finalized block final.
    virtual Status commit() = 0;
    // Whole state at the committed height, and back.
    virtual Bytes snapshot() = 0;
    virtual Status restore(ByteSpan snapshot) = 0;
    // A record of the committed state, for whoever asks CometBFT.
    virtual Result<std::optional<Bytes>> record(ByteSpan key) const = 0;
    virtual std::uint64_t height() const = 0;
    virtual Digest state_hash() const = 0;
    virtual std::uint64_t time_ms() const = 0;
};

}  // namespace mutirao::consensus
