// What can be known of transactions before they are run, whatever the state is then.
#pragma once

#include <span>
#include <vector>

#include "base/parallel.hpp"
#include "ledger/genesis.hpp"
#include "ledger/memo.hpp"

namespace mutirao::ledger {

// Decodes the transactions, recovers their signers, and verifies the signatures inside their calls,
// certificates together, on several threads. What is good is left in the memo of a ledger of this
// chain, whose check(), propose() and finalize() then ask for no signature again; what is not is
// found out by them. Gives what is known of each, in order: null for one that is not good. Any
// thread, whatever the ledger does meanwhile. Cost of many at once: 15 us a
// transaction, 12 more for a voucher, 400 for a certificate; 60 and 50 where signers are recovered
// one by one (crypto/recover_each.hpp).
std::vector<AdmittedPtr> prepare(const Genesis& genesis, Memo& memo,
                                 std::span<const ByteSpan> transactions, const Threads& threads);

// What prepare() found out about transactions, for this machine's own disk. Of each, in order:
// 20 bytes, its sender (zeros for one that is not good or that the memo has forgotten), and a byte,
// whether all signatures inside its call are known to be good. 0.4 us each, 1 us for calls.
Bytes findings_of(const Memo& memo, std::span<const ByteSpan> transactions);
// The same of what prepare() gave.
Bytes findings_of(const Memo& memo, std::span<const AdmittedPtr> prepared);
// The reverse: leaves the transactions in the memo as prepare() would, and gives what it would.
// Ignores findings of another size: then nothing is known. Only for bytes that this machine wrote:
// they are believed. 2 us a transaction.
std::vector<AdmittedPtr> believe(const Genesis& genesis, Memo& memo,
                                 std::span<const ByteSpan> transactions, ByteSpan findings,
                                 const Threads& threads);

}  // namespace mutirao::ledger
