// The ledger as everybody else sees it: its records over the network, and transactions sent to it.
#pragma once

#include <mutex>
#include <span>

#include "base/ports.hpp"
#include "ledger/calls.hpp"
#include "ledger/ledger.hpp"

namespace mutirao::node {

struct LedgerStatus {
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    std::uint64_t consensus_bytes = 0;
    std::string ethereum_url;
    Digest state_hash;
    ledger::Genesis genesis;
};

struct LedgerBlock {
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    std::uint32_t transactions = 0;
    std::uint32_t bytes = 0;
};

// Any thread may call. Trusts the ledger that it asks: proofs of records are not built yet.
class LedgerClient final : public ledger::StateView {
  public:
    LedgerClient(Network& network, std::string endpoint)
        : network_(network), endpoint_(std::move(endpoint)) {}

    Result<ledger::Value> get(ByteSpan key) const override;
    Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan prefix, ByteSpan after,
                                                      std::size_t limit) const override;
    // Many records at once, in the order of their keys.
    Result<std::vector<ledger::Value>> get_many(std::span<const Bytes> keys) const;
    Result<LedgerStatus> status() const;
    Result<std::vector<LedgerBlock>> blocks(std::uint64_t from, std::uint32_t limit) const;

    Result<Digest> submit(ByteSpan transaction) const;
    // Until the transaction is in a block; timeout after `patience`. A reverted one is its error.
    Result<ledger::Receipt> wait(const Digest& hash, Duration patience) const;

    const std::string& endpoint() const { return endpoint_; }

  private:
    Network& network_;
    const std::string endpoint_;
};

struct Sent {
    Bytes raw;
    ledger::Receipt receipt;
};

// An account that sends transactions, one after another. Any thread may call.
class Sender {
  public:
    Sender(const LedgerClient& ledger, crypto::AccountKey key)
        : ledger_(ledger), key_(std::move(key)) {}

    // Signs the call with the account's next nonce, submits it and waits for its block. The error
    // of a refused or reverted transaction is returned as it is. When another process with the same
    // key was faster and took the nonce, it is signed anew with the next.
    Result<Sent> send(const ledger::Call& call);
    Address address() const { return key_.address(); }
    const crypto::AccountKey& key() const { return key_; }

  private:
    struct Attempt {
        std::uint64_t nonce = 0;
        bool has_receipt = false;  // it got into a block, whatever came of it
    };
    Result<Sent> send_once(const ledger::Call& call, Attempt& attempt);
    Result<bool> was_displaced(std::uint64_t nonce) const;

    const LedgerClient& ledger_;
    const crypto::AccountKey key_;
    std::mutex mutex_;  // one transaction at a time, or two would take the same nonce
};

}  // namespace mutirao::node
