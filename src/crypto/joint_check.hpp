// Aggregate signatures and openings of commitments in one equation, for whoever has as many of
// both. Pure; any thread.
//
// Each equation counts with a weight of 128 bits of its own (bls_batch.hpp), drawn by a hash of all
// keys, messages, signatures and openings: a wrong one passes with probability 2^-127 for each hash
// that an attacker tries, whatever the others are. The product of all has one final exponentiation.
#pragma once

#include <span>

#include "crypto/bls_batch.hpp"
#include "crypto/kzg.hpp"

namespace mutirao::crypto {

// Whether all hold, as verify_aggregates() and verify_openings() say; false says nothing about a
// single one. 1.1 ms, 0.5 ms for each different list of keys, and for one of both 0.3 ms, or
// 0.4 ms where the processor has no AVX-512 IFMA.
bool verify_jointly(std::span<const AggregateClaim> claims, std::span<const PointOpening> openings);

}  // namespace mutirao::crypto
