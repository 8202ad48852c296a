// What blocks leave behind and execution never reads again: events, and how transactions ended. It
// stands beside the state, not in it; each block's header commits to the block's part
// (state_hash::history_root). The oldest blocks' part is forgotten when there is too much of it.
// Internal to ledger; one thread at a time, const calls side by side.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/codec.hpp"
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

// Whether a record under this key is history: an event, a receipt or a sentence.
bool is_history(ByteSpan key);

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

    // What follows this one, which is empty then: its first event is the next.
    void extend(History& later);
    // The next block, as View::part() wrote it; the first may be any. corrupt for anything else.
    // Forgets as add().
    Status add_part(ByteSpan part);
    // Of the blocks that are kept, the oldest is 0.
    const BlockHistory& block(std::size_t number) const { return *blocks_[number]; }
    std::shared_ptr<const BlockHistory> shared_block(std::size_t number) const {
        return blocks_[number];
    }

    // u64 first event that is kept, u64 number of blocks, and what a view of them writes.
    void encode(Writer& out) const;
    static Result<History> decode(Reader& in);
    // What there is now, for as long as somebody reads it: 10 ns a block to make. Whatever is
    // forgotten meanwhile stays in memory until then.
    class View;
    View view() const;

  private:
    using Block = std::shared_ptr<const BlockHistory>;  // with views
    using Entry = BlockHistory::Entry;
    void enter(Block block);
    void forget();
    void forget_oldest();

    // By transaction, in order. Hashes are spread evenly, so that each of many small trees holds
    // what begins with the same bits: of half a million, five steps down instead of nineteen.
    class Endings {
      public:
        Endings() : trees_(kTrees) {}
        const Entry* find(const Digest& transaction) const;
        // One that is there is replaced.
        void put(const Entry& ending) { tree(ending.transaction)[ending.transaction] = &ending; }
        void erase(const Entry& ending);
        std::size_t size() const;
        // Calls `each` from the first one that is not below `from`, until it returns false.
        using Each = std::function<bool(const Entry&)>;
        void visit(const Digest& from, const Each& each) const;

      private:
        using Tree = std::map<Digest, const Entry*>;
        static constexpr std::size_t kTrees = 1 << 14;
        static std::size_t number(const Digest& transaction) {
            return (transaction.bytes[0] << 8 | transaction.bytes[1]) * kTrees >> 16;
        }
        Tree& tree(const Digest& transaction) { return trees_[number(transaction)]; }
        std::vector<Tree> trees_;
    };
    HistoryLimits limits_;
    std::uint64_t first_event_ = 0;
    std::deque<Block> blocks_;
    // Into blocks_.
    std::deque<const Bytes*> events_;
    Endings endings_;
    std::size_t receipts_ = 0;
};

// One thread at a time, beside whatever is done with the History.
class History::View {
  public:
    View(std::uint64_t first_event, std::uint64_t event_count, std::deque<Block> blocks)
        : first_event_(first_event), event_count_(event_count), blocks_(std::move(blocks)) {}

    std::uint64_t first_event() const { return first_event_; }
    std::uint64_t event_count() const { return event_count_; }
    std::uint64_t blocks() const { return blocks_.size(); }
    // Writes the next blocks, the oldest first, until `out` has `bytes` or more; each as u32
    // events, u32 receipts, u32 size and bytes of each event, then 32 bytes of hash, u32 size and
    // record, u32 size and sentence of each receipt. False when none are left.
    bool next(std::size_t bytes, Writer& out);
    // One block: u64 first event, then the same. Each is read once, by next() or by this.
    Bytes part(std::size_t number);

  private:
    static void write(const BlockHistory& block, Writer& out);
    std::uint64_t first_event_, event_count_;
    std::deque<Block> blocks_;
    std::size_t at_ = 0;
};

}  // namespace mutirao::ledger
