// What must hold of a transaction before it may run. Internal to ledger.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ledger/genesis.hpp"
#include "ledger/memo.hpp"

namespace mutirao::ledger {

// Everything about a transaction that does not depend on the state: form, chain, fees, signature.
// Any thread. About 60 us the first time, 0.4 us while the memo has it.
// `known_sender` is believed instead of recovering the signer.
Result<AdmittedPtr> admit(const Genesis& genesis, Memo& memo, ByteSpan raw,
                          const std::optional<Address>& known_sender = {});

// The same of each, signers recovered together: 15 us the first time.
std::vector<Result<AdmittedPtr>> admit_each(const Genesis& genesis, Memo& memo,
                                            std::span<const ByteSpan> raws);

// What the sender must own before the transaction starts: its value, and gas at its fee limit.
Result<Amount> worst_cost(const Transaction& tx);
// insufficient_funds, with both amounts.
Status check_funds(const Transaction& tx, Amount balance);

// already_exists: this nonce, or this very transaction, is in a block.
Error replayed(std::uint64_t nonce, std::uint64_t next);

}  // namespace mutirao::ledger
