#include "ledger/staking.hpp"

#include "ledger/abi.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

Result<Amount> Pot::put(Amount amount) {
    auto bought = amount;
    if (!shares.is_zero()) {
        TRY(bought, amount.times(shares, wei));
    }
    if (bought.is_zero())
        return Error{ErrorKind::invalid_argument, amount.text() + " is less than one share"};
    TRY(const auto more, wei.plus(amount));
    TRY(shares, shares.plus(bought));
    wei = more;
    return bought;
}

Amount Pot::worth(Amount some_shares) const {
    if (some_shares == shares) return wei;  // both may be zero
    // A part of the whole: it is no larger than the whole.
    const auto out = wei.times(some_shares, shares);
    ENSURE(out.ok());
    return *out;
}

Result<Amount> Pot::take(Amount some_shares) {
    TRY(const auto left, shares.minus(some_shares));
    const auto out = worth(some_shares);
    shares = left;
    TRY(wei, wei.minus(out));
    return out;
}

Amount Pot::cut(std::uint32_t ppm) {
    const auto out = wei.part(ppm, 1'000'000);
    wei = *wei.minus(out);
    return out;
}

namespace key {
Bytes node_stake(const Address& node) { return tagged(Tag::node_stake, node.span()); }
Bytes owner_stake(const Address& owner, const Address& node) {
    return tagged(Tag::owner_stake, owner.span(), node.span());
}
Bytes fault(const Address& node, const Digest& about) {
    return tagged(Tag::fault, node.span(), about.span());
}
Bytes rewarded_period() { return single("rewarded"); }
Bytes node_stakes() { return tagged(Tag::node_stake); }
Bytes owner_stakes(const Address& owner) { return tagged(Tag::owner_stake, owner.span()); }
}  // namespace key

Call stake(const Address& node, Amount amount) {
    abi::Writer out(signature::kStake);
    out.address(node);
    return {module::staking(), amount, std::move(out).take()};
}

Call unstake(const Address& node, Amount amount) {
    abi::Writer out(signature::kUnstake);
    out.address(node).number(amount.wei());
    return {module::staking(), {}, std::move(out).take()};
}

Call withdraw(const Address& node) {
    abi::Writer out(signature::kWithdraw);
    out.address(node);
    return {module::staking(), {}, std::move(out).take()};
}

Call distribute_rewards() {
    return {module::staking(), {}, abi::Writer(signature::kDistribute).take()};
}

Call prove_conflict(const block::Certificate& one, const block::Certificate& other) {
    abi::Writer out(signature::kProveConflict);
    out.bytes(one.encode()).bytes(other.encode());
    return {module::staking(), {}, std::move(out).take()};
}

Call prove_bad_row(const block::Certificate& certificate, ByteSpan proof) {
    abi::Writer out(signature::kProveBadRow);
    out.bytes(certificate.encode()).bytes(proof);
    return {module::staking(), {}, std::move(out).take()};
}

Result<NodeStake> stake_of(const StateView& state, const Address& node) {
    TRY(auto found, read<NodeStake>(state, key::node_stake(node)));
    return found.value_or(NodeStake{node, {}, {}});
}

}  // namespace mutirao::ledger
