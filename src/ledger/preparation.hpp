// What can be known of transactions before they are run, whatever the state is then.
#pragma once

#include <span>

#include "base/parallel.hpp"
#include "ledger/genesis.hpp"
#include "ledger/memo.hpp"

namespace mutirao::ledger {

// Decodes the transactions, recovers their signers, and verifies the signatures inside their calls,
// certificates together, on several threads. What is good is left in the memo of a ledger of this
// chain, whose check(), propose() and finalize() then ask for no signature again; what is not is
// found out by them. Any thread, whatever the ledger does meanwhile. Cost: 60 us a transaction, 50
// more for a voucher, 400 for a certificate.
void prepare(const Genesis& genesis, Memo& memo, std::span<const ByteSpan> transactions,
             const Threads& threads);

}  // namespace mutirao::ledger
