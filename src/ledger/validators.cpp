#include "ledger/validators.hpp"

#include <algorithm>

#include "ledger/abi.hpp"
#include "ledger/staking.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

namespace key {
Bytes validator(const Address& account) { return tagged(Tag::validator, account.span()); }
Bytes validator_key(const Address& consensus) {
    return tagged(Tag::validator_key, consensus.span());
}
Bytes validators() { return tagged(Tag::validator); }
}  // namespace key

Address consensus_address(const ConsensusKey& key) {
    Address out;
    const auto hash = crypto::sha256(key.span());
    std::copy_n(hash.bytes.begin(), Address::kSize, out.bytes.begin());
    return out;
}

Bytes validator_message(std::uint64_t chain_id, const Address& account) {
    mutirao::Writer out;
    out.raw(as_bytes("mutirao v1 validator")).u(chain_id).raw(account.span());
    return std::move(out).take();
}

Call join_validators(const JoiningValidator& validator, const Address& account,
                     std::uint64_t chain_id) {
    abi::Writer out(signature::kJoinValidators);
    out.bytes32(validator.key.public_key.span());
    out.bytes(validator.key.sign(validator_message(chain_id, account)).span());
    out.bytes(validator.bls.public_key().span());
    out.bytes(validator.bls.prove_possession().span());
    out.bytes(as_bytes(validator.endpoint));
    return {module::staking(), {}, std::move(out).take()};
}

Call leave_validators() {
    return {module::staking(), {}, abi::Writer(signature::kLeaveValidators).take()};
}

Result<std::vector<Validator>> voting_validators(const StateView& state) {
    TRY(auto all, read_all<Validator>(state, key::validators(), kListMax));
    std::erase_if(all, [](const auto& one) { return one.power == 0; });
    return all;
}

std::uint64_t power_of(Amount stake) {
    const auto votes = std::min(stake.wei() / kPowerUnit.wei(), u128{kValidatorPowerMax});
    return votes < kValidatorPowerLeast ? 0 : static_cast<std::uint64_t>(votes);
}

}  // namespace mutirao::ledger
