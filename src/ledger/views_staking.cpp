// Views of the staking module.
#include "ledger/staking.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

Result<Bytes> stake_of_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto node, in.address());
    TRY(const auto pots, stake_of(context.state, node));
    Results out;
    out->number(pots.bonded.wei.wei()).number(pots.leaving.wei.wei());
    return out.take();
}

Result<Bytes> position_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto owner, in.address());
    TRY(const auto node, in.address());
    TRY(const auto pots, stake_of(context.state, node));
    TRY(const auto found, read<OwnerStake>(context.state, key::owner_stake(owner, node)));
    const auto own = found.value_or(OwnerStake{});
    Results out;
    out->number(pots.bonded.worth(own.bonded).wei());
    out->number(pots.leaving.worth(own.leaving).wei()).number(own.release_ms);
    return out.take();
}

Result<Bytes> stake_minimum_view(const ViewContext& context, abi::Reader) {
    return one_number(context.genesis.stake_minimum.wei());
}

Result<Bytes> next_reward_view(const ViewContext& context, abi::Reader) {
    TRY(const auto treasury, read<Account>(context.state, key::account(module::treasury())));
    TRY(const auto period, read_counter(context.state, key::rewarded_period()));
    Results out;
    out->number(treasury.value_or(Account{}).balance.part(kRewardPpm, 1'000'000).wei());
    out->number((period + 1) * kRewardPeriodMs);
    return out.take();
}

}  // namespace

std::span<const View> staking_views() {
    namespace v = view_signature;
    static constexpr View kViews[] = {{v::kStakeOf, stake_of_view},
                                      {v::kPosition, position_view},
                                      {v::kStakeMinimum, stake_minimum_view},
                                      {v::kNextReward, next_reward_view}};
    return kViews;
}

}  // namespace mutirao::ledger
