// What a session key signs of a voucher. Internal to ledger. Pure; any thread.
#pragma once

#include "ledger/calls.hpp"

namespace mutirao::ledger {

// `body` is what Voucher::encode() gives but for the signature at its end.
Digest voucher_hash(ByteSpan body, std::uint64_t chain_id);

}  // namespace mutirao::ledger
