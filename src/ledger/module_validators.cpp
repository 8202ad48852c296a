// Staking: who is a validator, with how much power, and what voting twice costs.
#include <algorithm>

#include "crypto/hash.hpp"
#include "ledger/modules.hpp"
#include "ledger/staking.hpp"
#include "ledger/state_keys.hpp"
#include "ledger/validators.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kEndpointMax = 256;

// Set while somebody's power may have changed since consensus was last told.
Bytes power_dirty() { return single("power-dirty"); }

// BLS key and endpoint; the proof of possession, unchecked, comes back.
Result<crypto::BlsSignature> keeper_in(abi::Reader& in, Validator& validator) {
    TRY(const auto bls_key, in.bytes(crypto::BlsPublicKey::kSize));
    TRY(const auto shown, in.bytes(crypto::BlsSignature::kSize));
    TRY(validator.endpoint, in.text(kEndpointMax));
    TRY(validator.bls_key, crypto::BlsPublicKey::from_bytes(bls_key));
    return crypto::BlsSignature::from_bytes(shown);
}

Status join(Context& context, abi::Reader in) {
    Validator validator;
    TRY(const auto key, in.bytes32());
    TRY(const auto shown, in.bytes(crypto::Ed25519Signature::kSize));
    TRY(const auto signature, crypto::Ed25519Signature::from_bytes(shown));
    TRY(const auto possession, keeper_in(in, validator));
    validator.account = context.sender;
    validator.key.bytes = key.bytes;
    // Whoever holds the key answers for it with its stake, so nobody enters another one's.
    if (!crypto::verify_ed25519(
            validator.key, validator_message(context.genesis.chain_id, context.sender), signature))
        return denied("the account does not prove that it holds the validator's key");
    if (!crypto::verify_possession(validator.bls_key, possession))
        return denied("the account does not prove that it holds the BLS key");
    // As for nodes: one key under two accounts would count twice.
    TRY(const auto holder, context.state.get(key::bls_key(validator.bls_key)));
    if (holder && *holder != to_bytes(context.sender.span()))
        return denied("the BLS key belongs to another account");
    const auto named = key::validator_key(consensus_address(validator.key));
    TRY(const auto known, read<ValidatorKey>(context.state, named));
    if (known && (known->faulty || known->account != context.sender))
        return denied("the key was another validator's, or it voted twice: make a new one");
    TRY(const auto now, context.state.get(key::validator(context.sender)));
    if (now)
        return Error{ErrorKind::already_exists,
                     "the account has a validator already; it leaves before another comes"};
    TRY(const auto stake, stake_of(context.state, context.sender));
    if (power_of(stake.bonded.wei) == 0)
        return Error{ErrorKind::insufficient_funds,
                     "a validator needs a stake of " +
                         kPowerUnit.times(kValidatorPowerLeast)->text() + " and has " +
                         stake.bonded.wei.text()};
    context.state.put(key::bls_key(validator.bls_key), to_bytes(context.sender.span()));
    context.state.write(named, ValidatorKey{context.sender});
    context.state.write(key::validator(context.sender), validator);
    context.state.put(power_dirty(), {1});
    return emit(context, EventKind::validator_joined, context.sender, context.sender, {});
}

Status leave(Context& context, abi::Reader) {
    const auto at = key::validator(context.sender);
    TRY(auto validator, require<Validator>(context.state, at, "validator of this account"));
    if (validator.leaving) return refused("the validator is leaving already");
    validator.leaving = true;
    context.state.write(at, validator);
    context.state.put(power_dirty(), {1});
    return {};
}

struct Wanted {
    Validator validator;
    Amount stake;
    std::uint64_t power = 0;
    bool goes = false;  // by its own word, for a fault, or because too little is staked for it
};

// Everybody who joined, with the power that it should have: those with the most stake first.
Result<std::vector<Wanted>> wanted_powers(const Context& context) {
    TRY(auto all, read_all<Validator>(context.state, key::validators(), kListMax));
    std::vector<Wanted> out;
    for (auto& validator : all) {
        TRY(const auto stake, stake_of(context.state, validator.account));
        const auto power = validator.leaving ? 0 : power_of(stake.bonded.wei);
        out.push_back({std::move(validator), stake.bonded.wei, power, power == 0});
    }
    std::stable_sort(out.begin(), out.end(), [](const Wanted& a, const Wanted& b) {
        return std::pair(a.power != 0, a.stake) > std::pair(b.power != 0, b.stake);
    });
    for (std::size_t i = kValidatorsMax; i < out.size(); ++i) out[i].power = 0;
    return out;
}

}  // namespace

Status power_changed(Context& context, const Address& account) {
    TRY(const auto known, context.state.get(key::validator(account)));
    if (known) context.state.put(power_dirty(), {1});
    return {};
}

Result<std::vector<ValidatorUpdate>> close_validators(Context& context) {
    std::vector<ValidatorUpdate> out;
    TRY(const auto dirty, context.state.get(power_dirty()));
    if (!dirty) return out;
    context.state.erase(power_dirty());
    TRY(auto all, wanted_powers(context));
    // Consensus ends with the last of them: then those that there are go on.
    const bool none =
        std::all_of(all.begin(), all.end(), [](const auto& each) { return each.power == 0; });
    for (auto& [validator, stake, power, goes] : all) {
        if (none && validator.power != 0) power = validator.power;
        if (power != validator.power) out.push_back({validator.key, power});
        validator.power = power;
        const auto at = key::validator(validator.account);
        if (power != 0 || !goes) {
            context.state.write(at, validator);
            continue;
        }
        context.state.erase(at);
        TRY_VOID(
            emit(context, EventKind::validator_left, validator.account, validator.account, {}));
    }
    return out;
}

Status punish(Context& context, const ValidatorFault& fault) {
    const auto named = key::validator_key(fault.validator);
    TRY(auto key, read<ValidatorKey>(context.state, named));
    if (!key) return {};
    const auto address = key->account;
    const auto what = Writer().raw(fault.validator.span()).u(fault.height).bytes();
    const auto about = crypto::blake3_keyed(crypto::domain_key("validator fault"), what);
    TRY(const bool punished, slash(context, {address, about}));
    if (!punished) return {};
    key->faulty = true;
    context.state.write(named, *key);
    const auto at = key::validator(address);
    TRY(auto validator, read<Validator>(context.state, at));
    if (!validator || consensus_address(validator->key) != fault.validator) return {};
    validator->leaving = true;
    context.state.write(at, *validator);
    context.state.put(power_dirty(), {1});
    return {};
}

std::span<const Method> validator_methods() {
    static constexpr Method kMethods[] = {{signature::kJoinValidators, join},
                                          {signature::kLeaveValidators, leave}};
    return kMethods;
}

}  // namespace mutirao::ledger
