// What a call would do right now, without a signature and without doing it: for eth_call and
// eth_estimateGas. Reads the state like execution does; one thread at a time with it.
#pragma once

#include "ledger/calls.hpp"
#include "ledger/views.hpp"

namespace mutirao::ledger {

struct Simulated {
    Status status;  // why it would revert
    Bytes output;   // of a view; empty for what only changes records
    std::uint64_t gas = 0;
};

// Runs `call` of `from` as the next block would. Fees are not taken. Certificates and
// proofs of faults are not checked, because their signatures cost milliseconds each and nobody pays
// for a simulation: certify, certifyAll, proveConflict and proveBadRow are taken to succeed, and so
// are orders to storage and staking.
Simulated simulate(const ViewContext& context, std::uint64_t height, const Address& from,
                   const Call& call);

// What a transaction that makes `call` costs: its bytes, and a fixed sum for a module.
std::uint64_t gas_of(const Call& call);
// True of the native modules' addresses, which answer to calls without holding code.
bool has_methods(const Address& address);

}  // namespace mutirao::ledger
