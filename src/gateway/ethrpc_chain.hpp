// The ledger as Ethereum's programs see it: blocks, transactions with receipts and logs, accounts.
// What the JSON-RPC face reads; `node` implements it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ledger/event_log.hpp"
#include "ledger/simulation.hpp"

namespace mutirao::gateway {

// The 2048-bit filter over addresses and topics (yellow paper, section 4.3.1).
using Bloom = std::array<std::uint8_t, 256>;

// A transaction that is in a block, and what came of it.
struct ExecutedTransaction {
    Digest hash;
    Bytes raw;  // as its sender signed it
    Address sender;
    bool succeeded = false;
    std::string error;  // why it reverted
    std::uint64_t gas_used = 0;
    ledger::Amount fee;  // wei, for all of its gas
    std::vector<ledger::Log> logs;
};

struct ExecutedBlock {
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    Digest hash;
    Digest parent;
    Digest state;  // after it
    std::uint64_t bytes = 0;
    std::uint64_t gas_used = 0;
    Bloom bloom{};
    std::vector<ExecutedTransaction> transactions;
};
using BlockPtr = std::shared_ptr<const ExecutedBlock>;

// One transaction of a block, and what tells its place there.
struct ExecutedPart {
    ExecutedBlock block;  // of the transactions this one alone; without bloom, gas and bytes
    std::size_t index = 0;
    std::uint64_t gas_before = 0;  // of the transactions before it
    std::size_t logs_before = 0;
};

// Where a transaction is.
struct TransactionPlace {
    std::uint64_t height = 0;
    std::size_t index = 0;
};

// geth's words (core/history, PrunedHistoryError), with which errors about blocks that are no
// longer kept begin.
inline constexpr std::string_view kPrunedHistory = "pruned history unavailable";

// Any thread may call. Every committed block is final.
class EthereumChain {
  public:
    virtual ~EthereumChain() = default;
    virtual const ledger::Genesis& genesis() const = 0;
    virtual std::uint64_t height() const = 0;
    // Null above the latest. not_found, kPrunedHistory, when the block is older than what is
    // kept.
    virtual Result<BlockPtr> block(std::uint64_t height) const = 0;
    // nullopt above the latest; not_found as block(). A tenth of what that costs.
    virtual Result<std::optional<ExecutedPart>> part(const TransactionPlace& place) const = 0;
    virtual std::optional<std::uint64_t> height_of(const Digest& block) const = 0;
    virtual std::optional<TransactionPlace> place_of(const Digest& transaction) const = 0;

    // At the latest block; an account that nobody paid is empty.
    virtual Result<ledger::Account> account(const Address& address) const = 0;
    virtual Result<ledger::Simulated> simulate(const Address& from,
                                               const ledger::Call& call) const = 0;

    // At the latest block: records whose keys have the prefix, as StateView::scan() gives them.
    virtual Result<std::vector<std::pair<Bytes, Bytes>>> records(ByteSpan prefix, ByteSpan after,
                                                                 std::size_t limit) const = 0;
    // Events so far, and those with indices from `first` to before `end`, in order.
    virtual Result<std::uint64_t> event_count() const = 0;
    virtual Result<std::vector<ledger::Event>> events(std::uint64_t first,
                                                      std::uint64_t end) const = 0;

    // These will be submitted next: a chain may check their signatures together.
    virtual void expect(std::span<const ByteSpan> transactions) = 0;
    // Takes a signed transaction and gives its hash. already_exists "already known" when it waits
    // already.
    virtual Result<Digest> submit(ByteSpan raw) = 0;
    // The next nonce after all that waits in an unbroken row.
    virtual Result<std::uint64_t> pending_nonce(const Address& address) const = 0;
    // One that waits for a block.
    virtual std::optional<Bytes> waiting(const Digest& transaction) const = 0;
    // Transactions taken so far, counted; and the hashes of those from number `from` on, as far as
    // they are remembered.
    virtual std::uint64_t taken() const = 0;
    virtual std::vector<Digest> taken_since(std::uint64_t from) const = 0;
};

void add_to_bloom(Bloom& bloom, const ledger::Log& log);
// `index` must be one of its transactions.
ExecutedPart part_of(const ExecutedBlock& block, std::size_t index);

}  // namespace mutirao::gateway
