// What each data owner contributed to a training run, as its trainers agree round by round, and the
// pool that the builder promises for it. Part of the module Training; interface in
// docs/reference/abi/ITraining.sol. Pure; any thread.
//
// A licence's price and share are what owner and builder agreed on and stay so. The pool comes on
// top: money at once and a part of the model's income, divided by contribution.
#pragma once

#include <span>
#include <string_view>

#include "ledger/calls.hpp"

namespace mutirao::ledger {

// One asset's part of one round, in millionths of what all contributed.
struct AssetWeight {
    Digest asset;
    std::uint32_t ppm = 0;
};

struct ContributionPool {
    std::uint32_t ppm = 0;    // of the model's income; counted in Run::shares_ppm
    Amount wei;               // held until the run ends
    std::uint64_t total = 0;  // sum over all agreed rounds and assets, in millionths of a round
    template <class V>
    void fields(V& visit) {
        visit(ppm), visit(wei), visit(total);
    }
};

struct Contribution {
    Digest asset;
    std::uint64_t weight = 0;  // sum over the agreed rounds, in millionths of a round
    template <class V>
    void fields(V& visit) {
        visit(asset), visit(weight);
    }
};

namespace key {
Bytes contribution_pool(const Digest& run);
Bytes contribution(const Digest& run, const Digest& asset);
Bytes contributions(const Digest& run);  // prefix for scans
}  // namespace key

namespace signature {
inline constexpr std::string_view kFundContributors = "fundContributors(bytes32,uint32)";
inline constexpr std::string_view kReportContributions =
    "reportContributions(bytes32,uint32,bytes32,bytes32[],uint64[])";
}  // namespace signature

namespace view_signature {
inline constexpr std::string_view kContributionPool = "contributionPool(bytes32)";
inline constexpr std::string_view kContributionOf = "contributionOf(bytes32,bytes32)";
}  // namespace view_signature

// The builder adds `ppm` of the model's income and `value` to the pool of an open run.
Call fund_contributors(const Digest& run, std::uint32_t ppm, Amount value);
// As report_round, with what each asset contributed to the round: `weights` ascending by asset,
// each licensed for the run, at most 1,000,000 together. Trainers agree when result and weights are
// the same.
Call report_contributions(const Digest& run, std::uint32_t round, const Digest& result,
                          std::span<const AssetWeight> weights);

}  // namespace mutirao::ledger
