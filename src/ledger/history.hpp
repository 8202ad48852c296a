// What blocks leave behind and execution never reads again: events, and how transactions ended. It
// stands beside the state, not in it; each block's header commits to the block's part
// (state_hash::history_root). The oldest blocks' part is forgotten when there is too much of it.
// Internal to ledger; one thread at a time, const calls side by side.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "ledger/records.hpp"

namespace mutirao::ledger {

// How a transaction ended. A reverted one changed nothing but its sender's nonce and fee.
struct Receipt {
    Digest transaction;
    std::uint64_t height = 0;
    bool succeeded = false;
    std::uint8_t error_kind = 0;  // ErrorKind of a reverted one
    std::string error;            // the sentence; kept beside the record, outside the state hash
    std::uint64_t gas_used = 0;
    Amount fee;
    Digest created;  // id of the run that a createRun made, zero otherwise
    template <class V>
    void fields(V& visit) {
        visit(transaction), visit(height), visit(succeeded), visit(error_kind), visit(error);
        visit(gas_used), visit(fee), visit(created);
    }
    Status status() const;
};

namespace key {
Bytes receipt(const Digest& transaction);
}

// One block's part, in order: its events, whose indices go on from the last block's, then receipts.
struct BlockHistory {
    std::uint64_t first_event = 0;
    std::vector<Bytes> events;
    struct Entry {
        Digest transaction;
        Bytes record;       // a Receipt without its sentence
        std::string words;  // the sentence: it may be reworded, so that no hash covers it
    };
    std::vector<Entry> receipts;

    void add(const Receipt& receipt);
    void add(const std::vector<Event>& block_events);  // gives them their indices
    std::uint64_t events_end() const { return first_event + events.size(); }
    Digest root() const;
};

// How much is kept, at least the last block's: by default 0.4 GiB at most, of which 0.3 for events.
struct HistoryLimits {
    std::size_t events = 1 << 20;
    std::size_t receipts = 1 << 19;
    std::size_t blocks = 1 << 20;
};

class History {
  public:
    explicit History(HistoryLimits limits = {}) : limits_(limits) {}

    // Under the keys of events ("v/"), receipts ("t/") and sentences ("w/").
    Value get(ByteSpan key) const;
    // As StateView's. Costs what it gives back, and a look-up.
    std::vector<std::pair<Bytes, Bytes>> scan(ByteSpan prefix, ByteSpan after,
                                              std::size_t limit) const;
    // Of all blocks, the forgotten ones included.
    std::uint64_t event_count() const { return first_event_ + events_.size(); }
    // The first event that is kept, and of how many blocks, the last ones, all is.
    std::uint64_t first_event() const { return first_event_; }
    std::size_t blocks() const { return blocks_.size(); }
    // With its sentence.
    Result<std::optional<Receipt>> receipt(const Digest& transaction) const;

    // The block's first event follows the last one. Forgets what is over the limits.
    void add(BlockHistory block);

    void encode(Writer& out) const;
    static Result<History> decode(Reader& in);

  private:
    struct Block {
        std::uint32_t events = 0, receipts = 0;
    };
    void forget_oldest();

    struct Ending {
        Bytes record;
        std::string words;
    };
    HistoryLimits limits_;
    std::uint64_t first_event_ = 0;
    std::deque<Block> blocks_;
    std::deque<Bytes> events_;
    std::deque<Digest> order_;  // of endings_, the oldest first
    std::map<Digest, Ending> endings_;
};

}  // namespace mutirao::ledger
