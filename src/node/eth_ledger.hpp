// The ledger role's side of Ethereum JSON-RPC: the engine, its application and an index of blocks
// behind gateway::EthereumChain.
#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>

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
    // `transactions` is what the block made run, those out of `batches` included; null for what
    // could not.
    void on_block(const consensus::Block& block, std::span<const ledger::AdmittedPtr> transactions,
                  std::span<const Digest> batches);
    // Whose application `ledger` is; before any other call. Where the engine goes on after a
    // snapshot and has no block yet, the last block before it is what is known.
    Status set_engine(consensus::Engine& engine);
    // Old blocks and what they left are still to come, of heights up to `last`: who asks for such
    // waits, on any thread, until end_of_old(). Before any call that asks.
    void expect_old(std::uint64_t last) { old_until_ = last, old_to_come_ = true; }
    void end_of_old();
    void wait_for_old() const;
    // They are here, and what they left is in the ledger: as EthHistory's.
    void put_before(EthHistory& earlier) { history_.put_before(earlier); }
    // Whether a block is due although nothing waits. Libraries look for a receipt when they see a
    // new block, and wallets count confirmations: for a minute after the last transaction that came
    // this way there is a block each second.
    bool wants_empty_block() const;
    // Called when a block or a transaction came; quick, and from any thread. Set before both can.
    void set_announce(std::function<void()> announce) { announce_ = std::move(announce); }
    // As submit(), for callers that ask for receipts and need no block to look for them; one that
    // waits already is fine.
    Result<Digest> take(ByteSpan raw) { return take(raw, true); }
    // A batch of the data lane that the engine is about to take: its transactions, as prepare()
    // gave them, count for pending_nonce() until on_block() names the batch.
    void expect_batch(const Digest& batch, std::span<const ledger::AdmittedPtr> transactions);

    const ledger::Genesis& genesis() const override { return genesis_; }
    std::uint64_t height() const override { return history_.height(); }
    Result<gateway::BlockPtr> block(std::uint64_t height) const override;
    Result<std::optional<gateway::ExecutedPart>> part(
        const gateway::TransactionPlace& place) const override;
    std::optional<std::uint64_t> height_of(const Digest& block) const override;
    std::optional<gateway::TransactionPlace> place_of(const Digest& transaction) const override;
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
    Result<Digest> take(ByteSpan raw, bool even_known);
    // Refuses what offers too little to replace another one that waits.
    Status check_rival(const ledger::Admitted& offer, ByteSpan raw) const;
    gateway::BlockPtr beginning() const;
    // Null above the latest.
    Result<std::shared_ptr<const KeptBlock>> kept(std::uint64_t height) const;
    // With the state after it.
    struct Left {
        std::shared_ptr<const ledger::BlockHistory> history;
        Digest state;
    };
    Result<Left> left_by(const KeptBlock& kept) const;
    Result<gateway::BlockPtr> read_block(const KeptBlock& kept) const;
    Result<gateway::ExecutedPart> read_part(const KeptBlock& kept, std::size_t index) const;
    gateway::BlockPtr cached(std::uint64_t height) const;
    void cache(gateway::BlockPtr block) const;
    bool asked_often(std::uint64_t height) const;

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

    std::uint64_t old_until_ = 0;
    mutable std::mutex old_mutex_;  // guards old_to_come_
    mutable std::condition_variable old_came_;
    bool old_to_come_ = false;

    mutable std::mutex cache_mutex_;              // guards everything below
    mutable std::list<gateway::BlockPtr> cache_;  // the latest asked for first
    mutable std::size_t cached_transactions_ = 0;
    mutable std::uint64_t part_of_ = 0;  // the block of which a part was asked for last
    mutable unsigned parts_ = 0;         // in a row
};

}  // namespace mutirao::node
