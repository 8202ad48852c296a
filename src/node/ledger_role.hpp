// The ledger role: the state machine behind a consensus engine, answering mutirao.v1.Ledger.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "consensus/engine.hpp"
#include "ledger/ledger.hpp"
#include "ledger/preparation.hpp"
#include "node/eth_ledger.hpp"
#include "node/ledger_lane.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {

// The ledger as consensus sees it.
class LedgerApplication final : public consensus::Application {
  public:
    // `threads` help to check signatures; they must outlive this.
    LedgerApplication(ledger::Ledger ledger, const Threads& threads)
        : ledger_(std::move(ledger)),
          genesis_(ledger_.genesis()),
          memo_(ledger_.memo()),
          threads_(threads) {}

    // Checks the signatures of transactions that will come by check() or finalize(), so that these
    // need not. Any thread, beside any other call.
    void prepare(std::span<const ByteSpan> transactions) const override {
        ledger::prepare(genesis_, *memo_, transactions, threads_);
    }

    // Where batches are kept; before any other call, and it must outlive this. Without one,
    // certificates of batches are refused.
    void set_lane(LedgerLane& lane) { lane_ = &lane; }
    // What a block made run. To be asked for every block, in order, and from the first on.
    Result<Expanded> told(const consensus::Block& block);
    // As agreed by the committed blocks.
    Result<std::uint64_t> next_batch(const Address& author) const {
        return ledger::read_counter(ledger_.state(), ledger::key::lane_tip(author));
    }

    Status check(ByteSpan transaction) override;
    std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max) override;
    Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                            const std::vector<Bytes>& transactions) override;
    Status commit() override;
    Bytes snapshot() override { return ledger_.snapshot(); }
    Status restore(ByteSpan snapshot) override;
    Result<std::optional<Bytes>> record(ByteSpan key) const override {
        return ledger_.state().get(key);
    }
    std::uint64_t height() const override { return ledger_.height(); }
    Digest state_hash() const override { return ledger_.state_hash(); }
    std::uint64_t time_ms() const override { return ledger_.time_ms(); }
    const ledger::Ledger& ledger() const { return ledger_; }

  private:
    Result<Expanded> expand(const std::vector<Bytes>& block, const NextBatch& next) const;

    ledger::Ledger ledger_;
    const ledger::Genesis genesis_;
    const std::shared_ptr<ledger::Memo> memo_;  // of every ledger that ledger_ will be
    const Threads threads_;
    LedgerLane* lane_ = nullptr;
    std::map<Address, std::uint64_t> told_;  // each author's next batch, after the last told block
};

// serve() may be called from any thread; tick() from one.
class LedgerRole {
  public:
    // Begins the chain of "genesis" in the role's folder, or goes on with it. `threads` help to
    // check signatures; they must outlive the role.
    static Result<std::unique_ptr<LedgerRole>> open(Disk& disk, Clock& clock,
                                                    consensus::EngineOptions options,
                                                    const Threads& threads = {});

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }
    // What wallets and Ethereum's programs see (gateway/ethrpc.hpp).
    EthLedger& ethereum() { return ethereum_; }
    // Where they reach it; told to others in Status.
    void set_ethereum_url(std::string url) { ethereum_url_ = std::move(url); }
    // Begins a connection of CometBFT's; empty unless that is the engine.
    consensus::Conversation converse() { return engine_->converse(); }
    // Makes a block when transactions wait. An error is final: the role must be opened again.
    Status tick();

  private:
    LedgerRole(ledger::Ledger ledger, Clock& clock, const Threads& threads)
        : application_(std::move(ledger), threads),
          ethereum_(application_.ledger(), clock,
                    [this](auto transactions) { application_.prepare(transactions); }),
          clock_(clock) {}
    Status open_lane(Disk& disk, const consensus::EngineOptions& options);
    // Those that the last run has kept and not brought into a block.
    Status submit_kept_batches();
    Result<Bytes> put_batch(ByteSpan request);
    Result<lane::Certificate> submit_batch(const lane::BatchStatement& batch);
    void on_block(const consensus::Block& block);
    void add_methods();
    Result<ledger::Receipt> wait_for_receipt(const Digest& hash, Duration wait);

    std::unique_ptr<LedgerLane> lane_;                   // with the solo engine
    std::atomic<std::size_t> lane_waiting_ = 0;          // transactions in batches without a block
    std::atomic<std::size_t> lane_batches_waiting_ = 0;  // likewise, batches
    LedgerApplication application_;
    EthLedger ethereum_;
    std::string ethereum_url_;
    Clock& clock_;
    std::unique_ptr<consensus::Engine> engine_;
    wire::Service service_;
    std::mutex block_mutex_;  // held to wait for, and to announce, a new block
    std::condition_variable block_made_;
};

inline constexpr std::string_view kGenesisFile = "genesis";
// In the same folder: which engine it is for (solo where there is none), and where CometBFT calls.
inline constexpr std::string_view kEngineFile = "engine";
inline constexpr std::string_view kAbciSocket = "abci.sock";

}  // namespace mutirao::node
