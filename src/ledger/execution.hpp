// Running one call of a native module against records. Internal to ledger.
#pragma once

#include "ledger/calls.hpp"
#include "ledger/changes.hpp"
#include "ledger/genesis.hpp"
#include "ledger/memo.hpp"
#include "ledger/validators.hpp"

namespace mutirao::ledger {

// What a call may know: no clock but the block's.
struct Context {
    Changes& state;
    const Genesis& genesis;
    Memo& memo;
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    Address sender;
    std::uint64_t nonce = 0;
    Amount value;         // already moved to the module's account
    Digest created = {};  // a call that makes a run leaves its id here
};

// Money between accounts. insufficient_funds when `from` has too little.
Status pay(Context& context, const Address& from, const Address& to, Amount amount, Reason reason,
           const Digest& about);
// The half of pay() that the payee sees, and the event: the caller takes `amount`, not zero, from
// the payer's account.
Status credit(Context& context, const Address& from, const Address& to, Amount amount,
              Reason reason, const Digest& about);
Status emit(Context& context, EventKind kind, const Address& from, const Address& to,
            const Digest& about);

// Gas that a call costs on top of the transaction's own.
inline constexpr std::uint64_t kModuleGas = 50'000;

// Why the value that a call brings is paid.
Reason reason_of_value(const Address& to);
bool is_module(const Address& address);
// Runs `data` at the module `to`. An error means: revert.
Status execute(Context& context, const Address& to, ByteSpan data);

// At the end of a block: rows of audits that earlier blocks opened are drawn by `beacon`, the state
// hash before this block.
Status draw_audits(Context& context, const Digest& beacon);

// A validator that voted twice loses stake, once for each height, and its place. Of keys that
// nobody joined with nothing is known: then nothing happens.
Status punish(Context& context, const ValidatorFault& fault);

// At the end of a block: the powers that changed in it.
Result<std::vector<ValidatorUpdate>> close_validators(Context& context);

// At the end of a block: a new epoch if storage nodes joined or left in it.
Status close_epoch(Context& context);

}  // namespace mutirao::ledger
