// Views of the deals module.
#include "ledger/deals.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

Result<Bytes> storage_offer_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto node, in.address());
    TRY(const auto offer, read<StorageOffer>(context.state, key::storage_offer(node)));
    Results out;
    out->number(offer.value_or(StorageOffer{}).wei_per_kib_day);
    out->number(offer.value_or(StorageOffer{}).until_ms);
    return out.take();
}

Result<Bytes> quote_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto end_ms, in.number64());
    TRY(const auto block, require<CertifiedBlock>(context.state, key::block(BlockId{id.bytes}),
                                                  "certified block " + id.hex()));
    TRY(const auto certificate, block::Certificate::decode(block.certificate));
    TRY(auto epoch,
        require<EpochRecord>(context.state, key::epoch(certificate.epoch), "such epoch"));
    TRY(auto placement, placement::Placement::make(epoch.membership()));
    const Committee committee{std::move(epoch), std::move(placement)};
    TRY(const auto holders, quote(context.state, certificate, committee, context.time_ms, end_ms));
    Amount cost;
    std::uint32_t slots = 0;
    std::vector<Address> nodes;
    for (const auto& holder : holders) {
        TRY(cost, cost.plus(holder.total));
        slots += holder.slots;
        nodes.push_back(holder.node);
    }
    Results out;
    out->number(cost.wei()).number(slots).addresses(nodes);
    return out.take();
}

Result<Bytes> deal_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto deal, require<Deal>(context.state, key::deal(id), "such deal"));
    std::vector<Address> nodes;
    for (const auto& holder : deal.holders) nodes.push_back(holder.node);
    Results out;
    out->bytes32(deal.block.span()).address(deal.client).number(deal.begin_ms);
    out->number(deal.end_ms).number(deal.escrow.wei()).number(deal.open_audits).addresses(nodes);
    return out.take();
}

Result<Bytes> holding_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto node, in.address());
    TRY(const auto deal, require<Deal>(context.state, key::deal(id), "such deal"));
    for (const auto& holder : deal.holders) {
        if (holder.node != node) continue;
        Results out;
        out->number(holder.slots).number(holder.total.wei()).number(holder.paid.wei());
        out->number(holder.lost);
        return out.take();
    }
    return Error{ErrorKind::not_found, "the node holds nothing of this deal"};
}

Result<Bytes> open_audit_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto deal, in.bytes32());
    TRY(const auto node, in.address());
    TRY(const auto audit, require<Audit>(context.state, key::audit(node, deal),
                                         "open audit of this node for the deal"));
    Results out;
    out->address(audit.challenger).number(audit.deposit.wei()).number(audit.opened_ms);
    out->number(audit.deadline_ms).number(audit.slot).bytes32(audit.draw.span());
    return out.take();
}

}  // namespace

std::span<const View> deal_views() {
    namespace v = view_signature;
    static constexpr View kViews[] = {{v::kStorageOffer, storage_offer_view},
                                      {v::kQuote, quote_view},
                                      {v::kDeal, deal_view},
                                      {v::kHolding, holding_view},
                                      {v::kOpenAudit, open_audit_view}};
    return kViews;
}

}  // namespace mutirao::ledger
