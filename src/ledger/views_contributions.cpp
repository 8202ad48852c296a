// Views of contributions and convictions, of the training module.
#include "ledger/contributions.hpp"
#include "ledger/convictions.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

Result<Bytes> pool_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto run, in.bytes32());
    TRY(const auto found, read<ContributionPool>(context.state, key::contribution_pool(run)));
    const auto pool = found.value_or(ContributionPool{});
    Results out;
    out->number(pool.ppm).number(pool.wei.wei()).number(pool.total);
    return out.take();
}

Result<Bytes> contribution_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto run, in.bytes32());
    TRY(const auto asset, in.bytes32());
    TRY(const auto found, read<Contribution>(context.state, key::contribution(run, asset)));
    return one_number(found.value_or(Contribution{}).weight);
}

Result<Bytes> conviction_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto run, in.bytes32());
    TRY(const auto trainer, in.address());
    TRY(const auto found, read<Conviction>(context.state, key::conviction(run, trainer)));
    const auto known = found.value_or(Conviction{});
    Results out;
    out->number(known.by_trainers).number(known.by_builder).number(known.round);
    out->addresses(known.accusers);
    return out.take();
}

}  // namespace

std::span<const View> contribution_views() {
    namespace v = view_signature;
    static constexpr View kViews[] = {{v::kContributionPool, pool_view},
                                      {v::kContributionOf, contribution_view},
                                      {v::kConvictionOf, conviction_view}};
    return kViews;
}

}  // namespace mutirao::ledger
