// Blocks and their transactions as Ethereum's programs ask for them: by height, by hash, by
// transaction. In memory and bounded; filled from the engine's log after the node has opened.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <unordered_map>

#include "consensus/engine.hpp"
#include "gateway/ethrpc_chain.hpp"
#include "ledger/ledger.hpp"

namespace mutirao::node {

// One block, without what execution made of it.
struct KeptBlock {
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    Digest hash;
    Digest previous;
    Digest state_before;
    std::uint64_t bytes = 0;  // of its transactions
    std::vector<Bytes> transactions;
    std::vector<Digest> hashes;
    std::uint64_t first_event = 0;  // in the ledger's count
    std::uint64_t events = 0;
};

inline constexpr std::size_t kHistoryBytesMax = 256 << 20;  // of transactions and what finds them

// Any thread may call; add() from one. About 1.5 us a transaction.
class EthHistory {
  public:
    explicit EthHistory(std::size_t bytes_max = kHistoryBytesMax) : bytes_max_(bytes_max) {}

    // The next block, and what it made run, where null is nothing. `ledger` has executed it, and
    // perhaps later ones. After a gap (a state that came from elsewhere) what was before is
    // dropped.
    Status add(const consensus::Block& block, std::span<const ledger::AdmittedPtr> transactions,
               const ledger::Ledger& ledger);
    // The last block before a state that came from elsewhere: these facts are all that is known of
    // it. Only before the first add().
    void begin_after(const consensus::BlockFacts& last);

    // An old block, what it made run, and what that left in the ledger's history; in an object of
    // its own, in order of heights. corrupt when they do not belong together.
    Status add_old(const consensus::Block& block, std::vector<Bytes> transactions,
                   const ledger::BlockHistory& left);
    // Takes all from `earlier`, whose last block is the one before the first here, or that first
    // one where only its facts are known. After a gap nothing happens. 0.2 us for each transaction
    // that is here.
    void put_before(EthHistory& earlier);

    std::uint64_t height() const;  // of the latest; 0 before the first
    // Null above the latest; not_found, naming the oldest, for one that is not kept any more.
    Result<std::shared_ptr<const KeptBlock>> block(std::uint64_t height) const;
    std::optional<std::uint64_t> height_of(const Digest& block) const;
    std::optional<gateway::TransactionPlace> place_of(const Digest& transaction) const;

  private:
    void keep(std::shared_ptr<const KeptBlock> block);
    void drop_oldest();

    const std::size_t bytes_max_;
    mutable std::shared_mutex mutex_;  // guards everything below
    std::deque<std::shared_ptr<const KeptBlock>> blocks_;
    std::unordered_map<Digest, std::uint64_t> by_hash_;
    std::unordered_map<Digest, gateway::TransactionPlace> places_;
    std::uint64_t height_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace mutirao::node
