// The receipts of answers that a provider was paid for, kept as long as one may be disputed: with
// them it answers disputes (ledger/disputes.hpp), or it would be slashed for answers that it gave.
#pragma once

#include "base/ports.hpp"
#include "ledger/disputes.hpp"
#include "node/ledger_client.hpp"

namespace mutirao::node {

// A dispute is opened in a day and answered in another.
inline constexpr std::uint64_t kReceiptKeptMs =
    ledger::kDisputeWithinMs + ledger::kDisputeAnswerMs + 3600ull * 1000;

class PaidReceipts {
  public:
    // All references must outlive it; `sender` is the provider's.
    PaidReceipts(Disk& disk, Clock& clock, const LedgerClient& ledger, Sender& sender)
        : disk_(disk), clock_(clock), ledger_(ledger), sender_(sender) {}

    // Durable when it returns: to be called before the voucher is redeemed. Any thread.
    Status keep(const ledger::Voucher& voucher, const compute::Receipt& receipt);
    // Answers this provider's disputes, every ten seconds, and forgets old receipts, every hour.
    // Call it about once a second, from one thread. What cannot be answered is logged.
    Status tend();

  private:
    Status answer(const ledger::Dispute& dispute);
    Status forget_old();

    Disk& disk_;
    Clock& clock_;
    const LedgerClient& ledger_;
    Sender& sender_;
    Duration asked_{-1};
    Duration cleaned_{-1};
};

}  // namespace mutirao::node
