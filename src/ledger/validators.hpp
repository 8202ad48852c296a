// Validators: who takes part in consensus among machines, with as much power as is staked for it.
// Part of the module Staking; interface in docs/reference/abi/IStaking.sol, reasons in
// docs/decisions/0025. Pure; any thread.
//
// An account joins with the key that its CometBFT signs with, and with what makes it a keeper of
// batches (docs/reference/lane.md): a BLS key, and where its ledger is called. It is a validator
// until less than the least is staked for it. At the end of each block the ledger says whose power
// changed. Who is proven to have voted twice loses stake like any faulty node, and its key never
// counts again. An engine of one producer asks nobody: there the records stand, and nothing follows
// from them.
#pragma once

#include <string_view>

#include "crypto/ed25519.hpp"
#include "ledger/calls.hpp"

namespace mutirao::ledger {

using ConsensusKey = crypto::Ed25519PublicKey;

struct Validator {
    Address account;
    ConsensusKey key;
    std::uint64_t power = 0;  // as consensus was told
    bool leaving = false;     // by its own word, or for a fault
    crypto::BlsPublicKey bls_key = {};
    std::string endpoint = {};  // HOST:PORT of its ledger
    template <class V>
    void fields(V& visit) {
        visit(account), visit(key), visit(power), visit(leaving), visit(bls_key), visit(endpoint);
    }
};

// What consensus is told at the end of a block; power 0 removes.
struct ValidatorUpdate {
    ConsensusKey key;
    std::uint64_t power = 0;
    bool operator==(const ValidatorUpdate&) const = default;
};

// What consensus proved and all validators agree on: a validator signed two votes of one height.
struct ValidatorFault {
    Address validator;  // consensus_address() of its key
    std::uint64_t height = 0;
};

inline constexpr Amount kPowerUnit{1'000'000'000'000'000'000};  // one MUT staked is one vote
inline constexpr std::uint64_t kValidatorPowerLeast = 100;
// CometBFT adds up to 2^60 votes at most.
inline constexpr std::uint64_t kValidatorPowerMax = 1'000'000'000'000'000;
inline constexpr std::size_t kValidatorsMax = 100;  // those with the most stake

// Whose a key is, for ever, and whether it was proven to have voted twice.
struct ValidatorKey {
    Address account;
    bool faulty = false;
    template <class V>
    void fields(V& visit) {
        visit(account), visit(faulty);
    }
};

namespace key {
Bytes validator(const Address& account);
Bytes validator_key(const Address& consensus);
Bytes validators();  // prefix for scans
}  // namespace key

namespace signature {
inline constexpr std::string_view kJoinValidators =
    "joinValidators(bytes32,bytes,bytes,bytes,string)";
inline constexpr std::string_view kLeaveValidators = "leaveValidators()";
}  // namespace signature

namespace view_signature {
inline constexpr std::string_view kValidator = "validator(address)";
inline constexpr std::string_view kValidatorOf = "validatorOf(address)";
}  // namespace view_signature

// How CometBFT names the key: the front of its SHA-256.
Address consensus_address(const ConsensusKey& key);
// What the key signs to join for an account: "mutirao v1 validator" | chain | account.
Bytes validator_message(std::uint64_t chain_id, const Address& account);
struct JoiningValidator {
    crypto::Ed25519Key key;
    crypto::BlsSecretKey bls;
    std::string endpoint;
};
Call join_validators(const JoiningValidator& validator, const Address& account,
                     std::uint64_t chain_id);
Call leave_validators();

// Those with votes, by account.
Result<std::vector<Validator>> voting_validators(const StateView& state);

// The power that so much stake gives: 0 below the least.
std::uint64_t power_of(Amount stake);

}  // namespace mutirao::ledger
