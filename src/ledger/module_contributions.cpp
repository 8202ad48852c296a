// Training: contributions of assets, agreed by the run's trainers, and the pool that they divide.
#include <algorithm>
#include <map>

#include "crypto/hash.hpp"
#include "ledger/contributions.hpp"
#include "ledger/training.hpp"

namespace mutirao::ledger {
namespace {

Result<ContributionPool> pool_of(const Context& context, const Digest& run) {
    TRY(const auto found, read<ContributionPool>(context.state, key::contribution_pool(run)));
    return found.value_or(ContributionPool{});
}

Status fund_contributors(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto ppm, in.number32());
    TRY(auto run, open_run(context, id));
    if (run.builder != context.sender) return denied("only the builder may fund contributors");
    if (ppm > kOwnersShareMaxPpm - run.shares_ppm)
        return refused("the run would promise its owners more than 90 % of the income");
    TRY(auto pool, pool_of(context, id));
    pool.ppm += ppm;
    TRY(pool.wei, pool.wei.plus(context.value));
    run.shares_ppm += ppm;
    context.state.write(key::run(id), run);
    context.state.write(key::contribution_pool(id), pool);
    return emit(context, EventKind::pool_opened, run.builder, module::training(), id);
}

Result<std::vector<AssetWeight>> weights_in(abi::Reader& in) {
    TRY(const auto assets, in.bytes32s(kRunLicencesMax));
    TRY(const auto ppm, in.numbers(kRunLicencesMax));
    if (assets.size() != ppm.size()) return refused("each asset needs one weight");
    std::vector<AssetWeight> out;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < assets.size(); ++i) {
        if (i > 0 && assets[i] <= assets[i - 1])
            return refused("assets are named in ascending order, each once");
        if (ppm[i] > kWholePpm) return refused("a weight is at most 1,000,000");
        total += ppm[i];
        out.push_back({assets[i], static_cast<std::uint32_t>(ppm[i])});
    }
    if (total > kWholePpm) return refused("the weights of a round are at most 1,000,000 together");
    return out;
}

Result<Licence> licence_for(const Context& context, const Run& run, const Digest& asset) {
    TRY(auto licence, require<Licence>(context.state, key::licence(licence_id(asset, run.id)),
                                       "licence of asset " + asset.hex() + " for this run"));
    if (licence.accepted_ms == 0)
        return denied("asset " + asset.hex() + " was not licensed for this run");
    return licence;
}

Status add_contributions(Context& context, const Digest& run,
                         const std::vector<AssetWeight>& weights) {
    TRY(auto pool, pool_of(context, run));
    for (const auto& [asset, ppm] : weights) {
        const auto at = key::contribution(run, asset);
        TRY(const auto found, read<Contribution>(context.state, at));
        auto sum = found.value_or(Contribution{asset});
        sum.weight += ppm;  // rounds and weights have limits: it fits
        pool.total += ppm;
        context.state.write(at, sum);
    }
    context.state.write(key::contribution_pool(run), pool);
    return emit(context, EventKind::contributions_agreed, context.sender, module::training(), run);
}

Status report_contributions(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto round, in.number32());
    TRY(const auto result, in.bytes32());
    TRY(const auto weights, weights_in(in));
    TRY(const auto run, open_run(context, id));
    mutirao::Writer told;
    told.raw(result.span());
    for (const auto& [asset, ppm] : weights) {
        TRY_VOID(licence_for(context, run, asset));
        told.raw(asset.span()).u(ppm);
    }
    const auto both = crypto::blake3_keyed(crypto::domain_key("contributions"), told.bytes());
    TRY(const bool agreed, tell_round(context, run, round, both));
    if (!agreed) return {};
    return add_contributions(context, id, weights);
}

struct Contributor {
    Licence licence;
    std::uint64_t weight = 0;
};

// In the order of assets.
Result<std::vector<Contributor>> contributors(const Context& context, const Run& run) {
    std::vector<Contributor> out;
    TRY(const auto sums,
        read_all<Contribution>(context.state, key::contributions(run.id), kRunLicencesMax));
    for (const auto& sum : sums) {
        TRY(auto licence, licence_for(context, run, sum.asset));
        if (sum.weight != 0) out.push_back({std::move(licence), sum.weight});
    }
    return out;
}

}  // namespace

Status add_pool_shares(Context& context, const Run& run, std::vector<Share>& shares,
                       std::uint32_t& left) {
    TRY(const auto pool, pool_of(context, run.id));
    if (pool.ppm == 0 || pool.total == 0) return {};
    std::map<Digest, std::size_t> at;
    for (std::size_t i = 0; i < shares.size(); ++i) at.emplace(shares[i].asset, i);
    TRY(const auto all, contributors(context, run));
    for (const auto& [licence, weight] : all) {
        const auto part = Amount(pool.ppm).part(weight, pool.total);
        const auto ppm = static_cast<std::uint32_t>(part.wei());
        if (ppm == 0) continue;
        const auto [place, fresh] = at.try_emplace(licence.asset, shares.size());
        if (fresh) shares.push_back({licence.owner, 0, licence.asset});
        shares[place->second].ppm += ppm;
        left -= ppm;
    }
    return {};
}

Status pay_pool(Context& context, const Run& run) {
    TRY(auto pool, pool_of(context, run.id));
    if (pool.wei.is_zero()) return {};
    auto left = pool.wei;
    TRY(const auto all, contributors(context, run));
    for (const auto& [licence, weight] : all) {
        const auto part = pool.wei.part(weight, pool.total);
        TRY(left, left.minus(part));
        TRY_VOID(pay(context, module::training(), licence.owner, part, Reason::contribution,
                     licence.asset));
    }
    pool.wei = {};
    context.state.write(key::contribution_pool(run.id), pool);
    return pay(context, module::training(), run.builder, left, Reason::refund, run.id);
}

std::span<const Method> contribution_methods() {
    static constexpr Method kMethods[] = {{signature::kFundContributors, fund_contributors, true},
                                          {signature::kReportContributions, report_contributions}};
    return kMethods;
}

}  // namespace mutirao::ledger
