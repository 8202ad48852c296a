// Many aggregates at once, each on a message of its own. Pure; any thread.
//
// One pairing equation stands for all: each side of each one's equation times a weight of 128 bits,
// added up (the small exponents test of Bellare, Garay and Rabin, EUROCRYPT 1998, section 3.2). The
// weights are a hash of all keys, messages and signatures, so that nobody knew them when choosing
// any of these: a wrong one passes with probability 2^-128 for each hash that an attacker tries.
// Signatures of the same keys share a pairing.
#pragma once

#include <span>

#include "crypto/bls.hpp"

namespace mutirao::crypto {

// What verify_aggregate() would be asked.
struct AggregateClaim {
    std::span<const BlsVerifiedKey> keys;  // borrowed
    Bytes message;
    BlsSignature aggregate;
};

// Whether each of them holds; false says nothing about a single one. True for none. Cost: 0.8 ms,
// 0.5 ms for each different list of keys, and for each claim 0.15 ms, or 0.2 ms where the processor
// has no AVX-512 IFMA.
bool verify_aggregates(std::span<const AggregateClaim> claims);

}  // namespace mutirao::crypto
