// The ledger role's side of Ethereum JSON-RPC: the engine, its application and an index of blocks
// behind gateway::EthereumChain.
#pragma once

#include <atomic>
#include <list>

#include "base/ports.hpp"
#include "gateway/ethrpc_chain.hpp"
#include "node/eth_history.hpp"
#include "node/eth_pool.hpp"

namespace mutirao::node {

// Any thread may call, but on_block() from the engine alone. All references must outlive it.
class EthLedger final : public gateway::EthereumChain {
  public:
    // Checks signatures beforehand; any thread.
    using Prepare = std::function<void(std::span<const ByteSpan> transactions)>;
    EthLedger(const ledger::Ledger& ledger, Clock& clock, Prepare prepare)
        : ledger_(ledger),
          genesis_(ledger.genesis()),
          memo_(ledger.memo()),
          clock_(clock),
          prepare_(std::move(prepare)) {}

    // The engine's news (consensus::OnBlock). It may come before set_engine(), while the log is
    // read. A block whose records cannot be read is an error of the ledger's own.
    // `transactions` is what the block made run, those out of batches included.
    void on_block(const consensus::Block& block, const std::vector<Bytes>& transactions);
    // Whose application `ledger` is; before any other call. Where the engine goes on after a state
    // from elsewhere and has no block yet, the last block before it is what is known.
    Status set_engine(consensus::Engine& engine);
    // Whether a block is due although nothing waits. Libraries look for a receipt when they see a
    // new block, and wallets count confirmations: for a minute after the last transaction that came
    // this way there is a block each second.
    bool wants_empty_block() const;
    // Called when a block or a transaction came; quick, and from any thread. Set before both can.
    void set_announce(std::function<void()> announce) { announce_ = std::move(announce); }
    // A transaction that the engine took by another way.
    void note(const Digest& hash, ByteSpan raw);

    const ledger::Genesis& genesis() const override { return genesis_; }
    std::uint64_t height() const override { return history_.height(); }
    Result<gateway::BlockPtr> block(std::uint64_t height) const override;
    std::optional<std::uint64_t> height_of(const Digest& block) const override;
    std::optional<gateway::TransactionPlace> place_of(const Digest& transaction) const override {
        return history_.place_of(transaction);
    }
    Result<ledger::Account> account(const Address& address) const override;
    Result<ledger::Simulated> simulate(const Address& from,
                                       const ledger::Call& call) const override;
    Result<std::vector<std::pair<Bytes, Bytes>>> records(ByteSpan prefix, ByteSpan after,
                                                         std::size_t limit) const override;
    Result<std::uint64_t> event_count() const override;
    Result<std::vector<ledger::Event>> events(std::uint64_t first,
                                              std::uint64_t end) const override;
    void expect(std::span<const ByteSpan> transactions) override { prepare_(transactions); }
    Result<Digest> submit(ByteSpan raw) override;
    Result<std::uint64_t> pending_nonce(const Address& address) const override;
    std::optional<Bytes> waiting(const Digest& transaction) const override;
    std::uint64_t taken() const override { return pool_.taken(); }
    std::vector<Digest> taken_since(std::uint64_t from) const override {
        return pool_.taken_since(from);
    }

  private:
    // Refuses what offers too little to replace one that waits.
    Status check_rival(const ledger::Admitted& offer) const;
    gateway::BlockPtr beginning() const;
    Result<gateway::BlockPtr> read_block(const KeptBlock& kept) const;
    gateway::BlockPtr cached(std::uint64_t height) const;
    void cache(gateway::BlockPtr block) const;

    const ledger::Ledger& ledger_;  // only within the engine's with_application()
    const ledger::Genesis genesis_;
    const std::shared_ptr<ledger::Memo> memo_;  // of every ledger that ledger_ will be
    Clock& clock_;
    const Prepare prepare_;
    consensus::Engine* engine_ = nullptr;
    std::function<void()> announce_;
    std::atomic<Duration::rep> submitted_at_{Duration::min().count()};
    std::atomic<Duration::rep> block_at_{0};
    EthHistory history_;
    mutable EthPool pool_;

    mutable std::mutex cache_mutex_;              // guards everything below
    mutable std::list<gateway::BlockPtr> cache_;  // the latest asked for first
    mutable std::size_t cached_transactions_ = 0;
};

}  // namespace mutirao::node
