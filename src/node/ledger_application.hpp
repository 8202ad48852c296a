// The ledger as consensus sees it: the state machine, and the data lane beside it.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "consensus/application.hpp"
#include "consensus/block.hpp"
#include "ledger/ledger.hpp"
#include "ledger/preparation.hpp"
#include "node/ledger_lane.hpp"

namespace mutirao::node {

// Called as consensus/application.hpp says.
class LedgerApplication final : public consensus::Application {
  public:
    // `threads` help to check signatures; they must outlive this.
    LedgerApplication(ledger::Ledger ledger, const Threads& threads)
        : ledger_(std::move(ledger)),
          genesis_(ledger_.genesis()),
          memo_(ledger_.memo()),
          threads_(threads) {}

    // Checks the signatures of transactions that will come by check() or finalize(), so that these
    // need not. What is known of each, as ledger::prepare(). Any thread, beside any other call.
    std::vector<ledger::AdmittedPtr> check_signatures(
        std::span<const ByteSpan> transactions) const {
        return ledger::prepare(genesis_, *memo_, transactions, threads_);
    }
    // The same, and begins to fetch what certificates among them need.
    void prepare(std::span<const ByteSpan> transactions) const override {
        check_signatures(transactions);
        if (bring_.begin) bring_.begin(transactions);
    }
    Status await(std::span<const ByteSpan> transactions) const override {
        return bring_.wait ? bring_.wait(transactions) : Status();
    }

    Bytes findings(std::span<const ByteSpan> transactions) const override {
        return ledger::findings_of(*memo_, transactions);
    }
    Bytes findings(std::span<const ledger::AdmittedPtr> prepared) const {
        return ledger::findings_of(*memo_, prepared);
    }
    // Of batches that certificates among them name, too.
    void believe(std::span<const ByteSpan> transactions, ByteSpan findings) const override {
        ledger::believe(genesis_, *memo_, transactions, findings, threads_);
        if (lane_ != nullptr) lane_->read_ahead(transactions);
    }
    std::uint64_t ran() const override { return ran_; }

    // How batches come from other machines: beside the caller, or once it has waited for them.
    struct Bring {
        std::function<void(std::span<const ByteSpan> transactions)> begin;
        std::function<Status(std::span<const ByteSpan> transactions)> wait;
    };
    // Where batches are kept; before any other call, and it must outlive this. Without one,
    // certificates of batches are refused. Who keeps them is as the state says, where it has
    // validators and `by_validators`.
    void set_lane(LedgerLane& lane, bool by_validators, Bring bring = {});
    // What the block made run that was finalized last, its `known` in full: null for what could
    // not run. Once.
    Result<Expanded> told(const consensus::Block& block);
    // Each author's next batch.
    using LaneTips = std::map<Address, std::uint64_t>;
    // What an old block made run, as far as its batches are kept. `tips` is counted on from block
    // to block, and empty before the first. Any thread.
    Result<Expanded> expand_again(const consensus::Block& block, LaneTips& tips) const;
    // As agreed by the committed blocks.
    Result<std::uint64_t> next_batch(const Address& author) const {
        return ledger::read_counter(ledger_.state(), ledger::key::lane_tip(author));
    }

    std::size_t weight(ByteSpan transaction) const override;
    Status check(ByteSpan transaction) override;
    std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max) override;
    Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                            const std::vector<Bytes>& transactions) override;
    std::vector<consensus::ValidatorUpdate> validator_updates() const override;
    Status commit() override;
    std::unique_ptr<consensus::FrozenState> freeze() const override;
    Bytes snapshot() const override { return ledger_.snapshot(); }
    Status restore(ByteSpan snapshot) override;
    // recall() in two steps: the slow one on any thread, beside any other call.
    struct Recalled {
        ledger::History history;
        std::uint64_t last_height = 0;
    };
    static Result<Recalled> read(const consensus::ReadHistory& read);
    // Nothing where nothing can be read.
    Status recall(Recalled recalled) {
        has_recalled_ = true;
        return ledger_.recall(std::move(recalled.history), recalled.last_height);
    }
    Status recall(const consensus::ReadHistory& read) override {
        TRY(auto recalled, LedgerApplication::read(read));
        return recall(std::move(recalled));
    }
    Result<std::optional<Bytes>> record(ByteSpan key) const override {
        return ledger_.state().get(key);
    }
    std::uint64_t height() const override { return ledger_.height(); }
    Digest state_hash() const override { return ledger_.state_hash(); }
    std::uint64_t time_ms() const override { return ledger_.time_ms(); }
    const ledger::Ledger& ledger() const { return ledger_; }
    const std::shared_ptr<ledger::Memo>& memo() const { return memo_; }

  private:
    struct Finalized {
        std::uint64_t height = 0;
        Expanded block;
    };
    void set_keepers();
    void look_at_unknown(Expanded& block) const;
    std::vector<Bytes> content_of(const std::vector<Bytes>& block) const;
    NextBatch next_batches() const {
        return [this](const auto& author) { return next_batch(author); };
    }

    ledger::Ledger ledger_;
    const ledger::Genesis genesis_;
    const std::shared_ptr<ledger::Memo> memo_;  // of every ledger that ledger_ will be
    const Threads threads_;
    LedgerLane* lane_ = nullptr;
    bool by_validators_ = false;
    Bring bring_;
    std::optional<Finalized> finalized_;  // the last one, until it is told of
    bool has_recalled_ = true;            // or there was nothing to
    std::uint64_t to_run_ = 0, ran_ = 0;  // transactions: of the last finalized block, and so far
};

}  // namespace mutirao::node
