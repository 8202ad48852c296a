// What a ledger is asked to do: a chain of a million accounts, and transactions that were signed
// before anything is measured. The same seed gives the same bytes, but for the ids of data blocks.
#pragma once

#include <memory>
#include <vector>

#include "ledger/calls.hpp"
#include "ledger/genesis.hpp"
#include "ledger/transaction.hpp"

namespace mutirao::bench {

inline constexpr std::size_t kAccounts = 1'000'000;
inline constexpr std::size_t kSendersPerRow = 256;
inline constexpr std::size_t kStorageNodes = 8;

enum class Kind {
    transfers,
    // Of ten: six transfers, two vouchers of session keys, one certificate of a data block (eight
    // signers), one data asset.
    mix,
};

// Transactions that one connection sends, in this order. A sender is in one row only.
using Sequence = std::vector<Bytes>;

class Chain {
  public:
    // `rows` connections; each has kSendersPerRow senders of its own. `accounts` in all, these
    // included.
    explicit Chain(std::size_t rows, std::size_t accounts = kAccounts);
    ~Chain();

    const ledger::Genesis& genesis() const;
    // The ledger's state at block 0: all accounts, eight storage nodes in epoch 1, a
    // model, and for each sender an offer of it and a session key.
    const Bytes& state() const;
    std::vector<Address> senders() const;

    // `count` transactions in all, shared out among the rows, from nonce 0 on. Every core signs.
    std::vector<Sequence> sign(Kind kind, std::size_t count) const;
    // One account more, for whoever measures how long a transaction takes.
    Sequence sign_probe(std::size_t number, std::size_t count) const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

// Microseconds that recovering the signer of a transaction takes on one thread, the best of five.
double recover_us(const std::vector<Sequence>& rows);

}  // namespace mutirao::bench
