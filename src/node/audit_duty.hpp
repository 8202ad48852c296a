// What a storage node owes for the deals that it is in (ledger/deals.hpp): it answers audits, and
// audits itself now and then, so that it is paid for what it keeps.
#pragma once

#include <functional>

#include "ledger/deals.hpp"
#include "node/ledger_client.hpp"

namespace mutirao::node {

// One thread at a time.
class AuditDuty {
  public:
    // The proof that this node holds the row of the slot that the draw asks for.
    using Prove = std::function<Result<block::SlotProof>(const BlockId&, std::uint32_t slot,
                                                         const Digest& draw)>;
    // All references must outlive it. `account` is the node's.
    AuditDuty(const LedgerClient& ledger, Clock& clock, crypto::AccountKey account, Prove prove)
        : ledger_(ledger),
          clock_(clock),
          prove_(std::move(prove)),
          sender_(ledger, std::move(account)) {}

    // Call it about once a second. Asks the ledger for audits every other second, and once a minute
    // for deals with a day's pay or more to collect, or that have ended. What cannot be answered is
    // logged and tried again; the error is the ledger's.
    Status tend();

  private:
    Status answer_audits();
    Status collect();
    Status answer(const ledger::Audit& audit);

    const LedgerClient& ledger_;
    Clock& clock_;
    const Prove prove_;
    Sender sender_;
    Duration asked_{-1};
    Duration collected_{-1};
};

}  // namespace mutirao::node
