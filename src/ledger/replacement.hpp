// When a waiting transaction gives way to another of its sender with the same nonce. Pure; any
// thread.
#pragma once

#include "ledger/transaction.hpp"

namespace mutirao::ledger {

inline constexpr std::uint64_t kOutbidPercent = 10;  // as go-ethereum's pool asks for

// Whether `offer` pays enough more than what waits: fee limit and tip are each a tenth higher.
bool outbids(const Transaction& offer, const Transaction& waiting);

}  // namespace mutirao::ledger
