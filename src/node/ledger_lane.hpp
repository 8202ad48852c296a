// The data lane of a ledger: batches of transactions come beside consensus and are kept here;
// blocks carry their certificates. docs/reference/lane.md.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <unordered_set>

#include "base/ports.hpp"
#include "lane/batch_log.hpp"
#include "ledger/lane_tip.hpp"

namespace mutirao::node {

inline constexpr std::string_view kPutBatch = "/mutirao.v1.Lane/Put";
inline constexpr std::size_t kLaneWaitingMax = 16384;  // transactions in batches without a block
inline constexpr std::size_t kLaneBatchesMax = 1024;   // likewise, batches

// A block's content as it runs: transactions out of batches, and others, in the block's order.
struct Expanded {
    std::vector<Bytes> transactions;
    std::vector<ledger::LaneTip> tips;  // after the block
    std::size_t batches = 0;
    std::size_t from_batches = 0;  // of the transactions
};

// Which number of an author's is next.
using NextBatch = std::function<Result<std::uint64_t>(const Address& author)>;

// Any thread.
class LedgerLane {
  public:
    // `self` is the place of `key` among the keepers.
    LedgerLane(std::unique_ptr<lane::BatchLog> log, lane::Keepers keepers, crypto::BlsSecretKey key,
               std::uint32_t self, std::uint64_t chain_id)
        : log_(std::move(log)),
          keepers_(std::move(keepers)),
          key_(std::move(key)),
          self_(self),
          chain_id_(chain_id) {}

    // Stores a batch whose author's signature and transactions are good, and of whose author the
    // agreed state has had all numbers below `floor`. Fails as BatchLog::keep.
    Status keep(const lane::Batch& batch, std::uint64_t floor) { return log_->keep(batch, floor); }
    // For a batch that is kept.
    lane::Acknowledgement acknowledge(const lane::BatchStatement& batch) const {
        return {self_, key_.sign(batch.message(chain_id_))};
    }
    // As lane::certify; what comes out is known to hold.
    Result<lane::Certificate> certify(const lane::BatchStatement& batch,
                                      std::span<const lane::Acknowledgement> given);
    // permission_denied for one that does not hold. 1.2 ms the first time.
    Status verify(const lane::Certificate& certificate);
    // Whether it may wait for a block; already_exists when its batch was in one.
    Status check(ByteSpan certificate, const NextBatch& next);

    // Certificates among `waiting`, in the order of each author's numbers, for the next block, of
    // batches with at most `bytes_max` bytes together.
    struct Proposed {
        std::vector<Bytes> certificates;
        std::size_t bytes = 0;  // of their batches
    };
    Result<Proposed> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max,
                             const NextBatch& next);
    // A certificate that does not hold, or whose number is not the author's next, stands for
    // nothing. not_found when a batch is not kept here.
    Result<Expanded> expand(const std::vector<Bytes>& block, const NextBatch& next);
    // Batches that were kept and are in no block, of all authors: whoever sent them may be gone.
    Result<std::vector<lane::BatchStatement>> without_block(const NextBatch& next) const {
        return log_->from(next);
    }

  private:
    void remember(const Digest& certificate);

    const std::unique_ptr<lane::BatchLog> log_;
    const lane::Keepers keepers_;
    const crypto::BlsSecretKey key_;
    const std::uint32_t self_;
    const std::uint64_t chain_id_;
    std::mutex mutex_;                 // guards everything below
    std::unordered_set<Digest> good_;  // certificates that hold
    std::deque<Digest> good_order_;
};

}  // namespace mutirao::node
