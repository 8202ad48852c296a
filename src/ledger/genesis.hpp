// What a chain begins with. Pure.
#pragma once

#include <vector>

#include "crypto/ed25519.hpp"
#include "ledger/records.hpp"

namespace mutirao::ledger {

struct Allocation {
    Address address;
    Amount amount;
    template <class V>
    void fields(V& visit) {
        visit(address), visit(amount);
    }
};

// Who orders blocks at first: its keys, and what is staked for its account. Whoever writes the
// genesis vouches that each holds its BLS key.
struct GenesisValidator {
    Address account;
    crypto::Ed25519PublicKey key;
    Address staker;  // who owns the stake
    Amount stake;
    crypto::BlsPublicKey bls_key = {};
    std::string endpoint = {};
    template <class V>
    void fields(V& visit) {
        visit(account), visit(key), visit(staker), visit(stake), visit(bls_key), visit(endpoint);
    }
};

struct Genesis {
    std::uint64_t chain_id = 8021;
    std::uint64_t time_ms = 0;
    Amount base_fee{1'000'000'000};                     // wei a gas
    Amount storage_price_per_kib{100'000'000'000'000};  // wei, once, for each started KiB
    std::vector<Allocation> allocations;
    Amount stake_minimum;  // of a storage node, to be a member of an epoch; 0: none is needed
    std::vector<GenesisValidator> validators;  // none with the engine solo
    template <class V>
    void fields(V& visit) {
        visit(chain_id), visit(time_ms), visit(base_fee), visit(storage_price_per_kib);
        visit(allocations), visit(stake_minimum), visit(validators);
    }
};

// What certifying `length` bytes costs.
Result<Amount> certificate_fee(const Genesis& genesis, std::uint64_t length);

}  // namespace mutirao::ledger
