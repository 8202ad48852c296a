// The ledger: a deterministic state machine over signed transactions. No I/O, no clock, no floating
// point, no threads: the same blocks give the same state on every machine.
//
// Transactions are Ethereum's (EIP-1559); accounts are secp256k1 addresses; native modules stand at
// fixed addresses (calls.hpp). The base fee is a constant of the genesis; fees go to the treasury,
// so the supply never changes. The state hash is a chain: BLAKE3_keyed(previous hash, height, the
// block's difference in key order, without the sentences of receipts). It commits to the whole
// history; proofs of single records need an authenticated tree, which is not built yet.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ledger/changes.hpp"
#include "ledger/genesis.hpp"
#include "ledger/memo.hpp"
#include "ledger/transaction.hpp"

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

inline constexpr std::uint64_t kTransactionGas = 21'000;
inline constexpr std::uint64_t kNonceAheadMax = 64;
std::uint64_t gas_of(const Transaction& tx);

namespace key {
Bytes receipt(const Digest& transaction);
}

// One thread at a time, for const calls too: they remember what they worked out.
class Ledger {
  public:
    // invalid_argument when the allocations overflow.
    static Result<Ledger> begin(const Genesis& genesis);
    // From snapshot(); corrupt when the bytes are no snapshot of ours.
    static Result<Ledger> restore(ByteSpan snapshot);

    // Whether a transaction may wait for a block: well formed, for this chain, signed, not executed
    // before (already_exists "replayed: ..."), and its sender can pay value and gas
    // (insufficient_funds with both amounts).
    Status check(ByteSpan raw) const;

    // Of the waiting transactions, in order of arrival: those to put in the next block, ordered so
    // that every sender's nonces ascend and its balance covers them all, at most `bytes_max` bytes.
    std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max) const;

    // Executes a block on top of the committed state. Nothing changes until commit(); calling it
    // again replaces what was staged. A transaction that cannot even pay is skipped.
    Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                            const std::vector<Bytes>& transactions);
    void commit();

    std::uint64_t height() const { return height_; }
    std::uint64_t time_ms() const { return time_ms_; }
    const Digest& state_hash() const { return state_hash_; }
    const Genesis& genesis() const { return genesis_; }
    const StateView& state() const { return records_; }
    Result<std::optional<Receipt>> receipt(const Digest& transaction) const;

    Bytes snapshot() const;

  private:
    class Records final : public StateView {
      public:
        Result<Value> get(ByteSpan key) const override;
        Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan prefix, ByteSpan after,
                                                          std::size_t limit) const override;
        std::map<Bytes, Bytes> by_key;
    };
    struct Staged {
        std::uint64_t height = 0;
        std::uint64_t time_ms = 0;
        Digest state_hash;
        Difference difference;
    };

    Ledger() = default;
    Status run(Changes& block, std::uint64_t height, std::uint64_t time_ms, ByteSpan raw) const;

    Genesis genesis_;
    std::uint64_t height_ = 0;
    std::uint64_t time_ms_ = 0;
    Digest state_hash_;
    Records records_;
    std::optional<Staged> staged_;
    std::unique_ptr<Memo> memo_ = std::make_unique<Memo>();  // changes under const calls too
};

}  // namespace mutirao::ledger
