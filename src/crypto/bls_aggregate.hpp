// One BLS signature from the signatures of many strangers on one message, without those that are
// wrong. Pure; any thread.
//
// First all are added, and the sum is checked once against the sum of the keys. What that proves:
// for a sum K of keys and a message there is exactly one point S of the subgroup that verifies, so
// a sum that verifies is, bit for bit, the sum of the right signatures, whatever its parts were.
// And since every key has shown possession, such a sum cannot be made unless every honest owner of
// a key in K signed the message (the proof-of-possession scheme of Ristenpart and Yilek, 2007,
// https://eprint.iacr.org/2007/264, section 4).
// It does not prove each part right: two signers who work together may swap an error between them.
// A certificate loses nothing by that. It keeps only S and the list of keys; the swapping signers
// know their own keys, have with it signed the message together, and are bound like all others.
//
// When the sum does not verify, the wrong ones are named: points outside the subgroup one by one
// (they would slip through combinations, as the curve has points of order 3), the rest by halving,
// under 64-bit weights that are a hash of the message, all keys and all signatures. A half with a
// wrong signature passes with probability 2^-64 for each hash that an attacker tries, so wrong ones
// do not cancel out, within or between halves. That decides only who is named: the sum of those
// left over is checked once more as above, without weights.
#pragma once

#include <vector>

#include "crypto/bls.hpp"

namespace mutirao::crypto {

struct ValidAggregate {
    BlsSignature signature;          // of all that are not bad
    std::vector<std::uint32_t> bad;  // places in the lists, ascending
};

// keys[i] is the key that signatures[i] should be of; a key may be there twice, and then counts
// twice in the sum. The result's signature satisfies verify_aggregate for the keys that are left.
//
// invalid_argument when the lists are empty or differ in size; corrupt when all signatures are bad,
// or when the keys left over add up to infinity (which one honest key among them rules out).
//
// Cost: 1 ms and 0.02 ms a signature while all are right (3 ms for 100, 20 ms for 1000). Otherwise
// about 0.2 ms a signature and, for each bad one, a millisecond for each halving that leads to it.
Result<ValidAggregate> aggregate_valid(std::span<const BlsVerifiedKey> keys, ByteSpan message,
                                       std::span<const BlsSignature> signatures);

}  // namespace mutirao::crypto
