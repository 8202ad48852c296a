// The ledger: a deterministic state machine over signed transactions. No I/O, no clock, no floating
// point, no threads: the same blocks give the same state on every machine.
//
// Transactions are Ethereum's (EIP-1559); accounts are secp256k1 addresses; native modules stand at
// fixed addresses (calls.hpp). The base fee is a constant of the genesis; fees go to the treasury,
// so the supply never changes. The state hash is that of a StateHeader: the root of all records,
// the root of what the block left in the history, height, time, and the state hash before; so it
// commits to the whole history too. Single records are proven under it (state_proof.hpp).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ledger/genesis.hpp"
#include "ledger/history.hpp"
#include "ledger/lane_tip.hpp"
#include "ledger/memo.hpp"
#include "ledger/state_tree.hpp"
#include "ledger/transaction.hpp"
#include "ledger/validators.hpp"

namespace mutirao::ledger {

inline constexpr std::uint64_t kTransactionGas = 21'000;
inline constexpr std::uint64_t kNonceAheadMax = 64;
std::uint64_t gas_of(const Transaction& tx);

inline constexpr std::uint16_t kSnapshotFormat = 5;

// Where a snapshot has the history: in it, or in parts of a block each, which those who have
// written them once need not write again.
enum class HistoryPlace : std::uint8_t { inside, beside };

// A snapshot that is read piece by piece. One thread at a time, beside whatever the ledger does,
// and after its end. Memory: the records that changed since and were not read yet, and what the
// history forgot since; never more than the state that was frozen.
class FrozenLedger {
  public:
    FrozenLedger(const StateHeader& header, StateSlots::View records, History::View history,
                 HistoryPlace place);
    // The next `bytes` or somewhat more; none at the end. With the history beside it, the snapshot
    // is that of a ledger that has forgotten all of it.
    Bytes next(std::size_t bytes);
    // Where it is beside: the part of the first block above `height`; none at the end. For
    // ascending heights. And the first block that has one, height() + 1 if none has.
    struct Left {
        std::uint64_t height = 0;
        Bytes bytes;  // for History::add_part()
    };
    std::optional<Left> next_history(std::uint64_t height);
    std::uint64_t history_begin() const { return height_ + 1 - history_.blocks(); }

  private:
    enum class Part : std::uint8_t { records, history, end };
    StateSlots::View records_;
    History::View history_;
    const std::uint64_t height_;
    const HistoryPlace place_;
    Part part_ = Part::records;
    Writer out_;
};

// One thread at a time; const calls may run side by side.
class Ledger {
  public:
    // invalid_argument when the allocations overflow.
    static Result<Ledger> begin(const Genesis& genesis);
    // From snapshot(); corrupt when the bytes are no snapshot of ours, or the records in it do not
    // have the root that its state hash names. `memo` is of a ledger of the same chain. No result
    // depends on `threads`.
    static Result<Ledger> restore(ByteSpan snapshot,
                                  std::shared_ptr<Memo> memo = std::make_shared<Memo>(),
                                  const Threads& threads = {});

    // Whether a transaction may wait for a block: well formed, for this chain, signed, not executed
    // before (already_exists "replayed: ..."), and its sender can pay value and gas
    // (insufficient_funds with both amounts).
    Status check(ByteSpan raw) const;
    Status check(const Admitted& admitted) const;

    // Of the waiting transactions, in order of arrival: those to put in the next block, ordered so
    // that every sender's nonces ascend and its balance covers them all, at most `bytes_max` bytes.
    std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max) const;

    // Executes a block on top of the committed state. Nothing changes until commit(); calling it
    // again replaces what was staged. A transaction that cannot even pay is skipped. `tips` is how
    // far authors' batches have come with this block, which whoever took the batches apart knows;
    // `faults` are what consensus proved of validators.
    Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                            const std::vector<Bytes>& transactions,
                            const std::vector<LaneTip>& tips = {},
                            const std::vector<ValidatorFault>& faults = {});
    // The same of what prepare() gave for the block's transactions. The roots of the state and of
    // what the block leaves behind are worked out side by side on two of the threads.
    Result<Digest> finalize_prepared(std::uint64_t height, std::uint64_t time_ms,
                                     std::span<const AdmittedPtr> transactions,
                                     const std::vector<LaneTip>& tips = {},
                                     const std::vector<ValidatorFault>& faults = {},
                                     const Threads& threads = {});
    void commit();
    // Whose power changed in the block that finalize() staged; empty when nothing is staged.
    std::vector<ValidatorUpdate> validator_updates() const {
        return staged_ ? staged_->validators : std::vector<ValidatorUpdate>();
    }

    std::uint64_t height() const { return header_.height; }
    std::uint64_t time_ms() const { return header_.time_ms; }
    const Digest& state_hash() const { return state_hash_; }
    const StateHeader& header() const { return header_; }  // whose hash it is
    const Genesis& genesis() const { return genesis_; }
    // All records, and the history under its keys.
    const StateView& state() const { return records_; }
    Result<std::optional<Receipt>> receipt(const Digest& transaction) const;
    // What a block left in the history, for as long as somebody reads it; null when it is
    // forgotten, or to come.
    std::shared_ptr<const BlockHistory> left_by(std::uint64_t height) const;
    // The first block whose events and receipts are all kept (height() + 1 if none's are), and the
    // first event that is.
    struct HistoryBegin {
        std::uint64_t height, event;
    };
    HistoryBegin history_begin() const {
        return {height() + 1 - records_.history.blocks(), records_.history.first_event()};
    }
    // What a record is, or that there is none, under header().tree_root. invalid_argument for the
    // empty key; not_found for what is history and not in the tree.
    Result<StateProof> prove(ByteSpan key) const;

    // The state as it is now, which can be read while the ledger goes on: 10 ns for each block of
    // the history, and no record is copied before it changes.
    std::unique_ptr<FrozenLedger> freeze(HistoryPlace place = HistoryPlace::inside) const;
    // All of it at once, the history inside.
    Bytes snapshot() const;
    // What blocks up to `last_height` left in the history, where that begins after it here: 0.3 us
    // for each receipt since. Nothing happens where later blocks are forgotten already; corrupt
    // when it does not end where this one begins.
    Status recall(History earlier, std::uint64_t last_height);

    // Where prepare() (preparation.hpp) leaves what it worked out; shared, because it may be at
    // work on other threads.
    const std::shared_ptr<Memo>& memo() const { return memo_; }

  private:
    struct Records final : public StateView {
        Result<Value> get(ByteSpan key) const override;
        Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan prefix, ByteSpan after,
                                                          std::size_t limit) const override;
        StateTree tree;
        History history;
    };
    struct Staged {
        StateHeader header;
        Digest state_hash;
        StateTree::Staged tree;
        BlockHistory history;
        std::vector<ValidatorUpdate> validators;
    };

    Ledger() = default;
    // Asks for the memory of the accounts that these will touch.
    void touch_accounts(std::span<const AdmittedPtr> transactions) const;
    // An error means that the transaction cannot even pay; then `block` is to be taken back.
    Result<Receipt> run(Changes& block, std::uint64_t height, std::uint64_t time_ms,
                        const Admitted& transaction) const;

    Genesis genesis_;
    StateHeader header_;
    Digest state_hash_;
    Records records_;
    std::optional<Staged> staged_;
    std::shared_ptr<Memo> memo_ = std::make_shared<Memo>();  // changes under const calls too
};

}  // namespace mutirao::ledger
