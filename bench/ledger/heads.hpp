// Heads of blocks as a wallet's library hears of them: over a subscription.
#pragma once

#include <atomic>
#include <map>

#include "ledger/client.hpp"

namespace mutirao::bench {

// When each block's head came (steady clock), by its number.
using Heads = std::map<std::uint64_t, Duration>;

// A WebSocket that is subscribed to new heads.
Result<std::unique_ptr<Connection>> subscribe_to_heads(std::uint16_t port);
// Hears heads until one comes after `over`: there is one each second for a minute after the last
// transaction.
Result<Heads> hear_heads(Connection& subscribed, const std::atomic<bool>& over);
// Milliseconds from sending each probe until the head of its block was told, ascending. not_found
// when one was not.
Result<std::vector<double>> told_after_ms(const std::vector<Probe>& probes, const Heads& heads);

}  // namespace mutirao::bench
