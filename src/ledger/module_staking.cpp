// Staking: who answers with how much, what a proven fault costs, and rewards.
#include <algorithm>

#include "block/fraud_proof.hpp"
#include "ledger/evidence.hpp"
#include "ledger/modules.hpp"
#include "ledger/staking.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kFraudProofMax = 96 * 1024;  // bytes; the largest proof has 84,145

Result<OwnerStake> owner_stake_of(const Context& context, const Address& node) {
    TRY(auto found, read<OwnerStake>(context.state, key::owner_stake(context.sender, node)));
    return found.value_or(OwnerStake{context.sender, node, {}, {}, 0});
}

void write(Context& context, const NodeStake& stake) {
    context.state.write(key::node_stake(stake.node), stake);
}

// A node that has enough from now on, or no more, changes who its epoch's members are.
Status compare_with_minimum(Context& context, Amount before, const NodeStake& stake) {
    TRY_VOID(power_changed(context, stake.node));
    const auto minimum = context.genesis.stake_minimum;
    if ((before < minimum) == (stake.bonded.wei < minimum)) return {};
    return members_changed(context, stake.node);
}

Status stake(Context& context, abi::Reader in) {
    TRY(const auto node, in.address());
    if (context.value < kStakeLeast)
        return refused("a stake is at least " + kStakeLeast.text() + " a call");
    TRY(auto pots, stake_of(context.state, node));
    TRY(auto own, owner_stake_of(context, node));
    const auto before = pots.bonded.wei;
    TRY(const auto bought, pots.bonded.put(context.value));
    TRY(own.bonded, own.bonded.plus(bought));
    write(context, pots);
    context.state.write(key::owner_stake(own.owner, node), own);
    return compare_with_minimum(context, before, pots);
}

// So many shares as are worth `amount` or just more: who asks for all gets all.
Amount shares_for(const Pot& pot, Amount amount) {
    auto floor = amount.times(pot.shares, pot.wei);
    ENSURE(floor.ok());  // amount is at most pot.wei
    return pot.worth(*floor) < amount ? *floor->plus(Amount(1)) : *floor;
}

Status unstake(Context& context, abi::Reader in) {
    TRY(const auto node, in.address());
    TRY(const auto wei, in.number());
    const Amount amount(wei);
    TRY(auto pots, stake_of(context.state, node));
    TRY(auto own, owner_stake_of(context, node));
    const auto worth = pots.bonded.worth(own.bonded);
    if (amount.is_zero() || worth < amount)
        return Error{ErrorKind::insufficient_funds, "this account has " + worth.text() +
                                                        " staked for the node, and asks for " +
                                                        amount.text()};
    const auto before = pots.bonded.wei;
    const auto shares =
        amount == worth ? own.bonded : std::min(shares_for(pots.bonded, amount), own.bonded);
    TRY(const auto taken, pots.bonded.take(shares));
    TRY(own.bonded, own.bonded.minus(shares));
    TRY(const auto leaving, pots.leaving.put(taken));
    TRY(own.leaving, own.leaving.plus(leaving));
    own.release_ms = context.time_ms + kUnbondingMs;
    write(context, pots);
    context.state.write(key::owner_stake(own.owner, node), own);
    TRY_VOID(compare_with_minimum(context, before, pots));
    return emit(context, EventKind::stake_leaving, own.owner, node, {});
}

Status withdraw(Context& context, abi::Reader in) {
    TRY(const auto node, in.address());
    TRY(auto pots, stake_of(context.state, node));
    TRY(auto own, owner_stake_of(context, node));
    if (own.leaving.is_zero())
        return Error{ErrorKind::not_found, "this account has unstaked nothing of the node's"};
    if (context.time_ms < own.release_ms)
        return refused("what was unstaked is released in " +
                       std::to_string((own.release_ms - context.time_ms) / 1000 + 1) + " s");
    TRY(const auto amount, pots.leaving.take(own.leaving));
    own.leaving = {};
    own.release_ms = 0;
    write(context, pots);
    const auto at = key::owner_stake(own.owner, node);
    if (own.bonded.is_zero())
        context.state.erase(at);
    else
        context.state.write(at, own);
    return pay(context, module::staking(), own.owner, amount, Reason::unstake, subject_of(node));
}

// The members that made the certificate's signature, however few.
Result<std::vector<std::uint32_t>> signers_of(Context& context, const Committee& committee,
                                              const block::Certificate& certificate) {
    const auto count = static_cast<std::uint32_t>(committee.epoch.members.size());
    TRY(auto members, block::signers_in(certificate.signers, count));
    TRY(const auto keys, keys_of(context.memo, committee, members));
    const auto message = block::availability_message(context.genesis.chain_id, certificate);
    if (!crypto::verify_aggregate(keys, message, certificate.signature))
        return denied("the certificate's signature does not verify");
    return members;
}

// An id binds all that is signed with it, and a node checks that before it signs: who signed two
// statements about one id has signed one without looking.
Status prove_conflict(Context& context, abi::Reader in) {
    TRY(const auto one_bytes, in.bytes(kCertificateSizeMax));
    TRY(const auto other_bytes, in.bytes(kCertificateSizeMax));
    TRY(const auto one, block::Certificate::decode(one_bytes));
    TRY(const auto other, block::Certificate::decode(other_bytes));
    if (one.id != other.id || one.epoch != other.epoch)
        return refused("the certificates are not of one block and epoch");
    if (block::availability_message(context.genesis.chain_id, one) ==
        block::availability_message(context.genesis.chain_id, other))
        return refused("the certificates say the same");
    TRY(const auto committee, context.memo.committee(context.state, one.epoch));
    TRY(const auto first, signers_of(context, *committee, one));
    TRY(const auto second, signers_of(context, *committee, other));
    std::vector<std::uint32_t> both;
    std::set_intersection(first.begin(), first.end(), second.begin(), second.end(),
                          std::back_inserter(both));
    if (both.empty()) return refused("no node signed both certificates");
    bool any = false;
    for (const auto member : both) {
        TRY(const auto punished, slash(context, {committee->epoch.members[member].node,
                                                 Digest{one.id.bytes}, context.sender}));
        any = any || punished;
    }
    if (!any) return Error{ErrorKind::already_exists, "they were slashed for this block already"};
    return {};
}

// Who signed for the slot of a committed row that is not the code's has not checked it.
Status prove_bad_row(Context& context, abi::Reader in) {
    TRY(const auto certificate_bytes, in.bytes(kCertificateSizeMax));
    TRY(const auto proof_bytes, in.bytes(kFraudProofMax));
    TRY(const auto certificate, block::Certificate::decode(certificate_bytes));
    TRY(const auto proof, block::FraudProof::decode(proof_bytes));
    const auto verdict = block::verify_fraud(certificate.id, proof);
    if (verdict != block::FraudVerdict::proven)
        return refused("the proof proves nothing: " + std::string(block::to_string(verdict)));
    TRY(const auto committee, context.memo.committee(context.state, certificate.epoch));
    TRY(const auto signers, signers_of(context, *committee, certificate));
    const auto slot = proof.statement.row_order().slot_of(proof.row);
    const auto holder = committee->placement.owner(certificate.id, slot);
    if (!std::binary_search(signers.begin(), signers.end(), holder))
        return refused("the node that holds slot " + std::to_string(slot) +
                       " did not sign the certificate");
    TRY(const auto punished, slash(context, {committee->epoch.members[holder].node,
                                             Digest{certificate.id.bytes}, context.sender}));
    if (!punished)
        return Error{ErrorKind::already_exists, "the node was slashed for this block already"};
    return {};
}

// A part of the treasury goes to the members of the epoch, by stake.
Status distribute(Context& context, abi::Reader) {
    const auto period = context.time_ms / kRewardPeriodMs;
    TRY(const auto last, read_counter(context.state, key::rewarded_period()));
    if (last >= period)
        return Error{ErrorKind::already_exists, "this period's rewards were paid already"};
    TRY(const auto current, read_counter(context.state, key::current_epoch()));
    TRY(const auto committee, context.memo.committee(context.state, current));
    TRY(const auto treasury, read<Account>(context.state, key::account(module::treasury())));
    const auto budget = treasury.value_or(Account{}).balance.part(kRewardPpm, kWholePpm);
    std::vector<NodeStake> stakes;
    Amount total;
    for (const auto& member : committee->epoch.members) {
        TRY(auto pots, stake_of(context.state, member.node));
        TRY(total, total.plus(pots.bonded.wei));
        if (!pots.bonded.wei.is_zero()) stakes.push_back(std::move(pots));
    }
    if (stakes.empty()) return refused("no member of the epoch has stake");
    for (auto& pots : stakes) {
        TRY(const auto part, budget.times(pots.bonded.wei, total));
        TRY(pots.bonded.wei, pots.bonded.wei.plus(part));
        write(context, pots);
        TRY_VOID(power_changed(context, pots.node));
        TRY_VOID(pay(context, module::treasury(), module::staking(), part, Reason::reward,
                     subject_of(pots.node)));
    }
    context.state.put(key::rewarded_period(), Writer().u(period).bytes());
    return {};
}

}  // namespace

Result<bool> slash(Context& context, const Fault& fault) {
    const auto at = key::fault(fault.node, fault.about);
    TRY(const auto known, context.state.get(at));
    if (known) return false;
    context.state.put(at, {1});
    TRY(auto pots, stake_of(context.state, fault.node));
    const auto before = pots.bonded.wei;
    TRY(auto left, pots.bonded.cut(kSlashPpm).plus(pots.leaving.cut(kSlashPpm)));
    if (!pots.bonded.shares.is_zero() || !pots.leaving.shares.is_zero()) write(context, pots);
    const auto give = [&](const Address& to, Amount amount, Reason reason) -> Status {
        TRY(left, left.minus(amount));
        return pay(context, module::staking(), to, amount, reason, subject_of(fault.node));
    };
    const auto reported = left.part(kReporterPpm, kWholePpm);
    if (fault.reporter) TRY_VOID(give(*fault.reporter, reported, Reason::slash));
    if (fault.victim)
        TRY_VOID(give(*fault.victim, std::min(left, fault.owed), Reason::compensation));
    TRY_VOID(give(module::treasury(), left, Reason::slash));
    TRY_VOID(compare_with_minimum(context, before, pots));
    TRY_VOID(expel(context, fault.node));
    TRY_VOID(emit(context, EventKind::node_slashed, fault.reporter.value_or(module::staking()),
                  fault.node, fault.about));
    return true;
}

Status staking_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {
        {signature::kStake, stake, true},
        {signature::kUnstake, unstake},
        {signature::kWithdraw, withdraw},
        {signature::kDistribute, distribute},
        {signature::kProveConflict, prove_conflict},
        {signature::kProveBadRow, prove_bad_row},
    };
    return dispatch(context, data, kMethods, validator_methods());
}

}  // namespace mutirao::ledger
