// What consensus orders transactions for. The five calls have ABCI's meaning, so that an engine of
// our own and CometBFT drive the same application.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::consensus {

// An Ed25519 key of a validator and its votes from now on; none removes it.
struct ValidatorUpdate {
    Bytes key;
    std::uint64_t power = 0;
};

// What a block left behind beside the state, which is only ever looked at: running later blocks
// needs none of it.
struct HistoryPart {
    std::uint64_t height = 0;
    Bytes bytes;
};
using EachHistoryPart = std::function<Status(std::uint64_t height, ByteSpan part)>;
// Calls it for one block after the other, the oldest first, and returns its error.
using ReadHistory = std::function<Status(const EachHistoryPart& each)>;

// A state that stays as it is while the application goes on. One thread at a time, beside any call
// of the application, and after its end.
class FrozenState {
  public:
    virtual ~FrozenState() = default;
    // The next `bytes` or somewhat more of the snapshot; none at its end.
    virtual Bytes next(std::size_t bytes) = 0;
    // Beside it, the history: the part of the first block above `height` that is not given yet, for
    // ascending heights; none at its end, or where a snapshot is all that there is.
    virtual std::optional<HistoryPart> next_history(std::uint64_t height) {
        static_cast<void>(height);
        return std::nullopt;
    }
    // Parts of blocks below it are of no use any more: 0 where those that recall() will bring may
    // be.
    virtual std::uint64_t history_begin() const { return 0; }
};

// Called by one thread at a time, but for prepare() and where a call says otherwise. What is const
// may be called side by side, and beside propose() and finalize().
class Application {
  public:
    virtual ~Application() = default;
    // Does what is costly about transactions that the calls below will see soon, so that these are
    // quick. Any thread, beside any other call; it changes nothing that they answer.
    virtual void prepare(std::span<const ByteSpan> transactions) const {
        static_cast<void>(transactions);
    }
    // Waits until what a decided block needs is here, as other machines may have it: for as long as
    // that takes, as finalize() would fail without. unavailable once nobody is to wait any more.
    // Any thread, beside any other call; it changes nothing that they answer.
    virtual Status await(std::span<const ByteSpan> transactions) const {
        static_cast<void>(transactions);
        return {};
    }
    // May the transaction wait for a block? Also beside propose() and finalize(), whose block it
    // knows nothing of.
    virtual Status check(ByteSpan transaction) = 0;
    // How many transactions it stands for, as one may bring others. Any thread, beside any other
    // call.
    virtual std::size_t weight(ByteSpan transaction) const {
        static_cast<void>(transaction);
        return 1;
    }
    // Which of the waiting transactions go into the next block, in which order.
    virtual std::vector<Bytes> propose(const std::vector<Bytes>& waiting,
                                       std::size_t bytes_max) = 0;
    // Executes a block without making it final; returns the state hash after it. Deterministic.
    // Among the transactions may be validators' faults (fault.hpp), which check() and propose()
    // must refuse.
    virtual Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                                    const std::vector<Bytes>& transactions) = 0;
    // Whose votes in consensus change after the block that finalize() executed.
    virtual std::vector<ValidatorUpdate> validator_updates() const { return {}; }
    // Makes the last finalized block final.
    virtual Status commit() = 0;
    // The state at the committed height, quickly: it is read later. And back, from a snapshot as
    // that or snapshot() gives it.
    virtual std::unique_ptr<FrozenState> freeze() const = 0;
    virtual Status restore(ByteSpan snapshot) = 0;
    // What blocks up to that of restore() left in the history, as next_history() gave it. Before or
    // after later blocks.
    virtual Status recall(const ReadHistory& read) {
        static_cast<void>(read);
        return {};
    }
    // All of it at once, with the history.
    virtual Bytes snapshot() const;
    // A record of the committed state, for whoever asks CometBFT.
    virtual Result<std::optional<Bytes>> record(ByteSpan key) const = 0;
    virtual std::uint64_t height() const = 0;
    virtual Digest state_hash() const = 0;
    virtual std::uint64_t time_ms() const = 0;
    // How many transactions committed blocks have run since this was made: what it would cost to
    // run them again.
    virtual std::uint64_t ran() const { return 0; }

    // What was costly to find out about transactions that prepare() has seen, as bytes to be kept
    // beside them on this machine's own disk; and back from there, so that prepare() is quick when
    // the same transactions come out of the log. Any thread, as prepare().
    virtual Bytes findings(std::span<const ByteSpan> transactions) const {
        static_cast<void>(transactions);
        return {};
    }
    virtual void believe(std::span<const ByteSpan> transactions, ByteSpan findings) const {
        static_cast<void>(transactions), static_cast<void>(findings);
    }
};

inline Bytes Application::snapshot() const {
    const auto state = freeze();
    Bytes out;
    for (auto piece = state->next(std::numeric_limits<std::size_t>::max()); !piece.empty();
         piece = state->next(std::numeric_limits<std::size_t>::max()))
        out.insert(out.end(), piece.begin(), piece.end());
    return out;
}

}  // namespace mutirao::consensus
