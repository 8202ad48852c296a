// The ledger role: the state machine behind a consensus engine, answering mutirao.v1.Ledger.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "consensus/engine.hpp"
#include "ledger/ledger.hpp"
#include "ledger/preparation.hpp"
#include "node/eth_ledger.hpp"
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
    void prepare(std::span<const ByteSpan> transactions) const {
        ledger::prepare(genesis_, *memo_, transactions, threads_);
    }

    Status check(ByteSpan transaction) override { return ledger_.check(transaction); }
    std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max) override {
        return ledger_.propose(waiting, bytes_max);
    }
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
    ledger::Ledger ledger_;
    const ledger::Genesis genesis_;
    const std::shared_ptr<ledger::Memo> memo_;  // of every ledger that ledger_ will be
    const Threads threads_;
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
    void add_methods();
    Result<ledger::Receipt> wait_for_receipt(const Digest& hash, Duration wait);

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
