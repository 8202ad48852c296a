// Staking: money that answers for what a node signs. Anybody may stake for any node; whoever did
// shares its rewards and its slashes in proportion. Module 0x...6d7507, interface in
// docs/reference/abi/IStaking.sol, reasons in docs/decisions/0020. Pure; any thread.
//
// All stake of a node is one pot, of which its owners hold shares: a reward or a slash changes the
// pot and no owner's record. What is on its way out lies in a second pot until it is released, and
// is slashed like the first.
#pragma once

#include <string_view>

#include "ledger/calls.hpp"

namespace mutirao::ledger {

struct Pot {
    Amount wei;
    Amount shares;
    template <class V>
    void fields(V& visit) {
        visit(wei), visit(shares);
    }
    // Adds `amount`; gives the shares that it buys, rounded down. invalid_argument when it buys
    // none.
    Result<Amount> put(Amount amount);
    // What so many of its shares are worth, rounded down.
    Amount worth(Amount some_shares) const;
    // Takes them out; the last ones take all that is there.
    Result<Amount> take(Amount some_shares);
    // Takes the part of `ppm` millionths, rounded down, from all owners alike.
    Amount cut(std::uint32_t ppm);
};

struct NodeStake {
    Address node;
    Pot bonded;
    Pot leaving;
    template <class V>
    void fields(V& visit) {
        visit(node), visit(bonded), visit(leaving);
    }
};

// What one owner has of a node's pots, in shares.
struct OwnerStake {
    Address owner;
    Address node;
    Amount bonded;
    Amount leaving;
    std::uint64_t release_ms = 0;  // of all that is leaving
    template <class V>
    void fields(V& visit) {
        visit(owner), visit(node), visit(bonded), visit(leaving), visit(release_ms);
    }
};

inline constexpr std::uint64_t kUnbondingMs = 7ull * 24 * 3600 * 1000;
inline constexpr std::uint64_t kRewardPeriodMs = 24ull * 3600 * 1000;
inline constexpr std::uint32_t kRewardPpm = 10'000;          // of the treasury, a period
inline constexpr std::uint32_t kSlashPpm = 300'000;          // of a node's stake, a proven fault
inline constexpr std::uint32_t kReporterPpm = 50'000;        // of what is slashed
inline constexpr Amount kStakeLeast{1'000'000'000'000'000};  // 0.001 MUT, in one call

namespace module {
Address staking();
}

namespace key {
Bytes node_stake(const Address& node);
Bytes owner_stake(const Address& owner, const Address& node);
Bytes fault(const Address& node, const Digest& about);  // each that was punished
Bytes rewarded_period();                                // u64: block time / kRewardPeriodMs
// Prefixes for scans.
Bytes node_stakes();
Bytes owner_stakes(const Address& owner);
}  // namespace key

namespace signature {
inline constexpr std::string_view kStake = "stake(address)";
inline constexpr std::string_view kUnstake = "unstake(address,uint256)";
inline constexpr std::string_view kWithdraw = "withdraw(address)";
inline constexpr std::string_view kDistribute = "distribute()";
inline constexpr std::string_view kProveConflict = "proveConflict(bytes,bytes)";
inline constexpr std::string_view kProveBadRow = "proveBadRow(bytes,bytes)";
}  // namespace signature

namespace view_signature {
inline constexpr std::string_view kStakeOf = "stakeOf(address)";
inline constexpr std::string_view kPosition = "position(address,address)";
inline constexpr std::string_view kStakeMinimum = "stakeMinimum()";
inline constexpr std::string_view kNextReward = "nextReward()";
}  // namespace view_signature

Call stake(const Address& node, Amount amount);
Call unstake(const Address& node, Amount amount);
Call withdraw(const Address& node);
Call distribute_rewards();
// Two certificates of one block and epoch that say different things of it.
Call prove_conflict(const block::Certificate& one, const block::Certificate& other);
// `proof` is a block::FraudProof of the certified block.
Call prove_bad_row(const block::Certificate& certificate, ByteSpan proof);

// Zero when nobody staked for it.
Result<NodeStake> stake_of(const StateView& state, const Address& node);

}  // namespace mutirao::ledger
