#include "ledger/contributions.hpp"

#include "ledger/abi.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

namespace key {
Bytes contribution_pool(const Digest& run) { return tagged(Tag::contribution_pool, run.span()); }
Bytes contribution(const Digest& run, const Digest& asset) {
    return tagged(Tag::contribution, run.span(), asset.span());
}
Bytes contributions(const Digest& run) { return tagged(Tag::contribution, run.span()); }
}  // namespace key

Call fund_contributors(const Digest& run, std::uint32_t ppm, Amount value) {
    abi::Writer out(signature::kFundContributors);
    out.bytes32(run.span()).number(ppm);
    return {module::training(), value, std::move(out).take()};
}

Call report_contributions(const Digest& run, std::uint32_t round, const Digest& result,
                          std::span<const AssetWeight> weights) {
    std::vector<Digest> assets;
    std::vector<std::uint64_t> ppm;
    for (const auto& weight : weights) {
        assets.push_back(weight.asset);
        ppm.push_back(weight.ppm);
    }
    abi::Writer out(signature::kReportContributions);
    out.bytes32(run.span()).number(round).bytes32(result.span()).bytes32s(assets).numbers(ppm);
    return {module::training(), {}, std::move(out).take()};
}

}  // namespace mutirao::ledger
