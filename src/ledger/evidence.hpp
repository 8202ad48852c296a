// Signatures inside calls: of session keys on vouchers, of storage nodes on certificates. What was
// found good is remembered, so that whoever looks before a block is made has done the block's work.
// Internal to ledger; any thread.
#pragma once

#include <span>

#include "ledger/calls.hpp"
#include "ledger/memo.hpp"

namespace mutirao::ledger {

// Of these members of the epoch. 0.1 ms for each that nobody asked for before.
Result<std::vector<crypto::BlsVerifiedKey>> keys_of(Memo& memo, const Committee& committee,
                                                    std::span<const std::uint32_t> members);

// What the memo calls the claim that the signatures of one are good. A memo serves one chain, whose
// epochs never change once they are closed.
Digest claim_of(const Voucher& voucher);
Digest claim_of(const block::Certificate& certificate);

// permission_denied unless its key signed it. 50 us the first time.
Status verify_voucher(Memo& memo, std::uint64_t chain_id, const Voucher& voucher);

// The same of many, together, 12 us each; whatever is good is remembered.
void verify_vouchers(Memo& memo, std::uint64_t chain_id, std::span<const Voucher> vouchers);

// permission_denied unless these members of the epoch signed the certificate and its commitment is
// a point of the group. 1.3 ms the first time.
Status verify_signed(Memo& memo, std::uint64_t chain_id, const block::Certificate& certificate,
                     const Committee& committee, std::span<const std::uint32_t> members);

// The same of many certificates, together; whatever is good is remembered. Those of epochs that
// nobody asked for yet are left out. 0.4 ms each while all are good; a bad one costs as much again
// for each halving that leads to it.
void verify_together(Memo& memo, std::uint64_t chain_id,
                     std::span<const block::Certificate> certificates);

}  // namespace mutirao::ledger
