// Views of disputes, of the compute module.
#include "ledger/disputes.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

Result<Bytes> dispute_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto provider, in.address());
    TRY(const auto id, in.bytes32());
    TRY(const auto dispute,
        require<Dispute>(context.state, key::dispute(provider, id), "such dispute"));
    Results out;
    out->address(dispute.payer).bytes32(dispute.model.span()).bytes32(dispute.request.span());
    out->number(dispute.owed.wei()).number(dispute.deadline_ms);
    out->number(static_cast<std::uint8_t>(dispute.state));
    return out.take();
}

}  // namespace

std::span<const View> dispute_views() {
    static constexpr View kViews[] = {{view_signature::kDisputeOf, dispute_view}};
    return kViews;
}

}  // namespace mutirao::ledger
