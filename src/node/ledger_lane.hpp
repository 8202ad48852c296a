// The data lane of a ledger: batches of transactions come beside consensus and are kept here;
// blocks carry their certificates. docs/reference/lane.md.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>

#include "base/ports.hpp"
#include "lane/batch_log.hpp"
#include "ledger/lane_tip.hpp"
#include "ledger/memo.hpp"

namespace mutirao::node {

inline constexpr std::string_view kPutBatch = "/mutirao.v1.Lane/Put";

// Blocks from a batch's acknowledgement on that may name it: 17 minutes of four blocks a second.
inline constexpr std::uint64_t kBatchBlocks = 4096;

// A block's content as it runs: transactions out of batches, and others, in the block's order.
struct Expanded {
    std::vector<Bytes> transactions;
    // Of each, what is known of it; then its bytes are there, and not in `transactions`.
    std::vector<ledger::AdmittedPtr> known = {};
    std::vector<ledger::LaneTip> tips = {};  // after the block
    std::vector<lane::BatchStatement> batches = {};
    std::size_t from_batches = 0;  // of the transactions
};

// Which number of an author's is next.
using NextBatch = std::function<Result<std::uint64_t>(const Address& author)>;

// Of transactions in batches that wait for a block, at most, are kept in memory.
inline constexpr std::size_t kLaneKnownBytes = 32 << 20;

// What is known of a batch's transactions by what was found out when it was kept (findings): null
// for one that nothing is known of.
using Believe = std::function<std::vector<ledger::AdmittedPtr>(
    std::span<const ByteSpan> transactions, ByteSpan findings)>;

// Who keeps batches, in the order of certificates' bitmaps.
struct LaneKeepers {
    lane::Keepers keepers;
    std::vector<Address> accounts;
    std::vector<std::string> peers;  // how each is called; empty where there is one
    Digest id = {};
    std::optional<std::uint32_t> self = {};  // this ledger's place
};
using LaneKeepersPtr = std::shared_ptr<const LaneKeepers>;

// Any thread.
class LedgerLane {
  public:
    // Certificates that hold are left in `memo`, of a ledger of this chain. Nobody keeps batches
    // before set_keepers().
    LedgerLane(std::unique_ptr<lane::BatchLog> log, std::shared_ptr<ledger::Memo> memo,
               crypto::BlsSecretKey key, std::uint64_t chain_id)
        : log_(std::move(log)), memo_(std::move(memo)), key_(std::move(key)), chain_id_(chain_id) {}

    // Asked before transactions are run; set before any call that does.
    void set_believe(Believe believe) { believe_ = std::move(believe); }
    // As the blocks up to this height agree; after each of them. Sets `id` and `self`.
    void set_keepers(LaneKeepers keepers, std::uint64_t height);
    LaneKeepersPtr keepers() const;

    lane::BatchLog& log() { return *log_; }
    // The transactions of a batch that is kept, for whoever prepares them again.
    Result<std::vector<Bytes>> transactions(const lane::BatchStatement& batch) const;
    // A batch that was kept, and what is known of its transactions, all of them: whoever runs it
    // soon need not read it again.
    void know(const lane::BatchStatement& batch, std::vector<ledger::AdmittedPtr> transactions);
    // The same of all that this block names, as far as it is kept, whose certificates are looked
    // at as well: expand() will have less to do. Beside it, too.
    void read_ahead(std::span<const ByteSpan> block);
    // A block of this height has run these.
    void ran(std::span<const lane::BatchStatement> batches, std::uint64_t height);

    // For a batch that is kept until that height. permission_denied where this is no keeper.
    Result<lane::Acknowledgement> acknowledge(const lane::BatchStatement& batch,
                                              std::uint64_t until) const;
    // As lane::certify, with acknowledge()'s own among those given; what comes out is known to
    // hold.
    Result<lane::Certificate> certify(const lane::BatchStatement& batch, std::uint64_t until,
                                      std::span<const lane::Acknowledgement> given);
    // Whether a block of this height may name the batch: permission_denied for a certificate that
    // does not hold among the keepers of now, or that comes too late. 1.2 ms the first time.
    Status verify(const lane::Certificate& certificate, std::uint64_t height);
    // Whether it may wait for a block of this height or a later one; already_exists when its batch
    // was in one.
    Status check(ByteSpan certificate, const NextBatch& next, std::uint64_t height);
    // Those of the certificates in the block after set_keepers() that hold, and whose batches are
    // not here.
    std::vector<lane::Certificate> lacking(std::span<const ByteSpan> block);

    // Certificates among `waiting` that hold, in the order of each author's numbers, for the block
    // of this height, of batches with at most `bytes_max` bytes together.
    struct Proposed {
        std::vector<Bytes> certificates;
        std::size_t bytes = 0;  // of their batches
    };
    Result<Proposed> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max,
                             const NextBatch& next, std::uint64_t height);
    // A certificate that does not hold, or whose number is not the author's next, stands for
    // nothing. not_found when a batch is not kept here.
    Result<Expanded> expand(std::vector<Bytes> block, const NextBatch& next, std::uint64_t height);
    // The same for a block that ran before, when others may have been keepers: blocks are made of
    // certificates that held. Its transactions will not run again: nobody is told of findings.
    Result<Expanded> expand_again(std::vector<Bytes> block, const NextBatch& next) const;

  private:
    using Holds = std::function<bool(const lane::Certificate& certificate)>;
    using Known = std::vector<ledger::AdmittedPtr>;
    struct KnownBatch {
        KnownBatch(Known known, std::size_t size) : transactions(std::move(known)), bytes(size) {}
        Known transactions;
        std::size_t bytes;
    };
    Result<Expanded> expand_those(std::vector<Bytes> block, const NextBatch& next,
                                  const Holds& holds, const Believe& believe) const;
    // A batch's transactions: of each what is known of it, or else its bytes.
    struct Content {
        Known known;
        std::vector<Bytes> transactions;  // as many
    };
    Result<Content> content(const lane::BatchStatement& batch, const Believe& believe) const;
    Known known(const lane::BatchStatement& batch) const;
    void forget_known(const Digest& batch);  // with the lock

    const std::unique_ptr<lane::BatchLog> log_;
    const std::shared_ptr<ledger::Memo> memo_;
    const crypto::BlsSecretKey key_;
    const std::uint64_t chain_id_;
    Believe believe_;
    mutable std::mutex mutex_;  // guards everything below
    std::uint64_t height_ = 0;
    LaneKeepersPtr keepers_ = std::make_shared<const LaneKeepers>();
    std::unordered_map<Digest, KnownBatch> known_;  // by the digest, which is of all of its bytes
    std::deque<Digest> known_order_;                // those that ran stay until they are the oldest
    std::size_t known_bytes_ = 0;
};

}  // namespace mutirao::node
