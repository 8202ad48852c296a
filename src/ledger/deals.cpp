#include "ledger/deals.hpp"

#include "crypto/hash.hpp"
#include "ledger/abi.hpp"
#include "ledger/modules.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

namespace key {
Bytes storage_offer(const Address& node) { return tagged(Tag::storage_offer, node.span()); }
Bytes deal(const Digest& id) { return tagged(Tag::deal, id.span()); }
Bytes deal_of_node(const Address& node, const Digest& deal) {
    return tagged(Tag::deal_of_node, node.span(), deal.span());
}
Bytes audit(const Address& node, const Digest& deal) {
    return tagged(Tag::audit, node.span(), deal.span());
}
Bytes storage_offers() { return tagged(Tag::storage_offer); }
Bytes deals() { return tagged(Tag::deal); }
Bytes deals_of_node(const Address& node) { return tagged(Tag::deal_of_node, node.span()); }
Bytes audits() { return tagged(Tag::audit); }
Bytes audits_of_node(const Address& node) { return tagged(Tag::audit, node.span()); }
}  // namespace key

Amount Deal::total() const {
    Amount out;
    for (const auto& holder : holders) out = *out.plus(holder.total);  // it was locked as a sum
    return out;
}

Call offer_storage(std::uint64_t wei_per_kib_day, std::uint64_t until_ms) {
    abi::Writer out(signature::kOfferStorage);
    out.number(wei_per_kib_day).number(until_ms);
    return {module::deals(), {}, std::move(out).take()};
}

Call open_deal(const BlockId& block, std::uint64_t end_ms, std::uint32_t least_slots, Amount most) {
    abi::Writer out(signature::kOpenDeal);
    out.bytes32(block.span()).number(end_ms).number(least_slots);
    return {module::deals(), most, std::move(out).take()};
}

namespace {

Call of_holder(std::string_view signature, const Digest& deal, const Address& node, Amount value) {
    abi::Writer out(signature);
    out.bytes32(deal.span()).address(node);
    return {module::deals(), value, std::move(out).take()};
}

}  // namespace

Call open_audit(const Digest& deal, const Address& node, Amount deposit) {
    return of_holder(signature::kAudit, deal, node, deposit);
}

Call answer_audit(const Digest& deal, const Address& node, const block::SlotProof& proof) {
    abi::Writer out(signature::kAnswerAudit);
    out.bytes32(deal.span()).address(node).bytes(proof.encode());
    return {module::deals(), {}, std::move(out).take()};
}

Call expire_audit(const Digest& deal, const Address& node) {
    return of_holder(signature::kExpireAudit, deal, node, {});
}

Call close_deal(const Digest& deal) {
    abi::Writer out(signature::kCloseDeal);
    out.bytes32(deal.span());
    return {module::deals(), {}, std::move(out).take()};
}

Digest deal_id(const Address& client, std::uint64_t nonce, const BlockId& block) {
    const auto what = Writer().raw(client.span()).u(nonce).raw(block.span()).bytes();
    return crypto::blake3_keyed(crypto::domain_key("deal"), what);
}

Result<std::vector<DealHolder>> quote(const StateView& state, const block::Certificate& certificate,
                                      const Committee& committee, std::uint64_t begin_ms,
                                      std::uint64_t end_ms) {
    if (end_ms < begin_ms + kDealTermLeastMs || end_ms > begin_ms + kDealTermMaxMs)
        return refused("a deal's term is one minute to 400 days");
    const auto& members = committee.epoch.members;
    TRY(const auto signers,
        block::signers_in(certificate.signers, static_cast<std::uint32_t>(members.size())));
    const auto held = committee.placement.slots_held(certificate.id);
    const auto kib = certificate.length / 1024 + (certificate.length % 1024 != 0 ? 1 : 0);
    std::vector<DealHolder> out;
    for (const auto member : signers) {
        const auto& address = members[member].node;
        TRY(const auto offer, read<StorageOffer>(state, key::storage_offer(address)));
        TRY(const auto node, read<NodeRecord>(state, key::node(address)));
        const bool serves = node && node->active && node->role == Role::storage;
        if (!offer || !serves || offer->until_ms < end_ms || held[member] == 0) continue;
        TRY(const auto by_size, Amount(offer->wei_per_kib_day).times(kib));
        TRY(const auto by_slots, by_size.times(held[member]));
        TRY(const auto by_time, by_slots.times(end_ms - begin_ms));
        out.push_back({address, held[member], by_time.part(1, block::kSlotCount * kDayMs), {}});
    }
    return out;
}

std::vector<std::uint32_t> slots_answered_for(const BlockId& block, const Address& node,
                                              const Committee& signed_for, const Committee* now) {
    const auto member = signed_for.placement.membership().find(node);
    if (!member) return {};
    auto slots = signed_for.placement.slots_of(block, *member);
    if (now == nullptr) return slots;
    if (const auto today = now->placement.membership().find(node))
        std::erase_if(slots,
                      [&](auto slot) { return now->placement.owner(block, slot) != *today; });
    return slots;
}

}  // namespace mutirao::ledger
