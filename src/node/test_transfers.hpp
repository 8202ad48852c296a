// Batches of transfers to an account that begins with nothing, for tests of the data lane.
#pragma once

#include <utility>
#include <vector>

#include "lane/test_batches.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::node {

inline const Address kPayee{{0x77}};

// One wei each, from wallets by number, with these nonces.
inline lane::Batch transfers(std::uint32_t author, std::uint64_t sequence,
                             const std::vector<std::pair<int, std::uint64_t>>& senders) {
    const ledger::TestChain chain;
    lane::Batch out;
    out.sequence = sequence;
    for (const auto& [number, nonce] : senders)
        out.transactions.push_back(chain.signed_call(
            ledger::wallet(number), ledger::transfer(kPayee, ledger::Amount(1)), nonce));
    out.sign(lane::author_key(author), lane::kChain);
    return out;
}

}  // namespace mutirao::node
