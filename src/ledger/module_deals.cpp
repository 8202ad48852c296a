// Deals: prices, terms, audits by a drawn row, and what is paid for answering them.
#include <algorithm>

#include "crypto/hash.hpp"
#include "ledger/deals.hpp"
#include "ledger/modules.hpp"
#include "ledger/staking.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {
namespace {

// Audits whose row is not drawn yet.
struct Undrawn {
    struct One {
        Address node;
        Digest deal;
        template <class V>
        void fields(V& visit) {
            visit(node), visit(deal);
        }
    };
    std::vector<One> audits;
    template <class V>
    void fields(V& visit) {
        visit(audits);
    }
};
Bytes undrawn() { return single("undrawn-audits"); }

Result<Undrawn> read_undrawn(const Context& context) {
    TRY(const auto value, context.state.get(undrawn()));
    if (!value) return Undrawn{};
    return decode_record<Undrawn>(*value);
}

Status offer_storage(Context& context, abi::Reader in) {
    StorageOffer offer;
    offer.node = context.sender;
    TRY(offer.wei_per_kib_day, in.number64());
    TRY(offer.until_ms, in.number64());
    TRY(const auto node, require<NodeRecord>(context.state, key::node(context.sender),
                                             "storage node of this address"));
    if (node.role != Role::storage || !node.active)
        return denied("only a storage node offers storage");
    const auto at = key::storage_offer(context.sender);
    if (offer.until_ms <= context.time_ms)
        context.state.erase(at);
    else
        context.state.write(at, offer);
    return emit(context, EventKind::storage_offered, context.sender, context.sender, {});
}

struct Certified {
    CertifiedBlock record;
    block::Certificate certificate;
    CommitteePtr committee;  // of its epoch
};

Result<Certified> certified(Context& context, const BlockId& id) {
    Certified out;
    TRY(out.record,
        require<CertifiedBlock>(context.state, key::block(id), "certified block " + id.hex()));
    TRY(out.certificate, block::Certificate::decode(out.record.certificate));
    TRY(out.committee, context.memo.committee(context.state, out.certificate.epoch));
    return out;
}

Status open_deal(Context& context, abi::Reader in) {
    Deal deal;
    TRY(const auto block, in.bytes32());
    deal.block = BlockId{block.bytes};
    TRY(deal.end_ms, in.number64());
    TRY(const auto least_slots, in.number32());
    TRY(auto known, certified(context, deal.block));
    if (known.record.released) return refused("the block was released: nodes may have dropped it");
    deal.begin_ms = context.time_ms;
    TRY(deal.holders,
        quote(context.state, known.certificate, *known.committee, deal.begin_ms, deal.end_ms));
    std::uint32_t slots = 0;
    for (const auto& holder : deal.holders) {
        slots += holder.slots;
        TRY(deal.escrow, deal.escrow.plus(holder.total));
    }
    if (deal.holders.empty() || slots < least_slots)
        return refused("nodes that hold " + std::to_string(slots) +
                       " of the block's slots offer storage until then; " +
                       std::to_string(std::max(least_slots, 1u)) + " are asked for");
    if (context.value < deal.escrow)
        return Error{ErrorKind::insufficient_funds, "the deal costs " + deal.escrow.text() +
                                                        ", and at most " + context.value.text() +
                                                        " are offered"};
    deal.client = context.sender;
    deal.id = deal_id(deal.client, context.nonce, deal.block);
    TRY(const auto taken, context.state.get(key::deal(deal.id)));
    if (taken) return Error{ErrorKind::already_exists, "the deal is there already"};
    // A deal is a part of the block: nodes do not drop it before the deal is closed.
    ++known.record.parts;
    context.state.write(key::block(deal.block), known.record);
    context.state.write(key::deal(deal.id), deal);
    for (const auto& holder : deal.holders)
        context.state.put(key::deal_of_node(holder.node, deal.id), {});
    TRY(const auto rest, context.value.minus(deal.escrow));
    TRY_VOID(pay(context, module::deals(), deal.client, rest, Reason::refund, deal.id));
    context.created = deal.id;
    return emit(context, EventKind::deal_opened, deal.client, module::deals(), deal.id);
}

Result<Deal> deal_in(Context& context, abi::Reader& in) {
    TRY(const auto id, in.bytes32());
    return require<Deal>(context.state, key::deal(id), "such deal");
}

Result<DealHolder*> holder_of(Deal& deal, const Address& node) {
    for (auto& holder : deal.holders)
        if (holder.node == node) return &holder;
    return refused("the node holds nothing of this deal");
}

Result<std::vector<std::uint32_t>> slots_of(Context& context, const Deal& deal,
                                            const Address& node) {
    TRY(const auto known, certified(context, deal.block));
    TRY(const auto epoch, read_counter(context.state, key::current_epoch()));
    // An epoch without nodes has no placement.
    const auto now = context.memo.committee(context.state, epoch);
    return slots_answered_for(deal.block, node, *known.committee, now.ok() ? now->get() : nullptr);
}

Status open_audit(Context& context, abi::Reader in) {
    TRY(auto deal, deal_in(context, in));
    TRY(const auto node, in.address());
    TRY(const auto* holder, holder_of(deal, node));
    if (holder->lost) return refused("the node has lost this block already");
    if (context.time_ms > deal.end_ms + kLastAuditMs)
        return refused("the deal ended more than 7 days ago: close it");
    const auto deposit = context.sender == node ? Amount() : kAuditDeposit;
    if (context.value != deposit)
        return refused("an audit takes a deposit of " + deposit.text() + ", not " +
                       context.value.text());
    const auto at = key::audit(node, deal.id);
    TRY(const auto open, context.state.get(at));
    if (open) return Error{ErrorKind::already_exists, "the node is being audited for this deal"};
    TRY(const auto slots, slots_of(context, deal, node));
    if (slots.empty())
        return refused("placement has given the node's slots of this block to others");
    TRY(auto waiting, read_undrawn(context));
    if (waiting.audits.size() >= kAuditsABlock)
        return Error{ErrorKind::resource_exhausted, "too many audits in one block: ask again"};
    waiting.audits.push_back({node, deal.id});
    context.state.write(undrawn(), waiting);
    Audit audit;
    audit.deal = deal.id;
    audit.node = node;
    audit.challenger = context.sender;
    audit.deposit = deposit;
    audit.opened_ms = context.time_ms;
    audit.height = context.height;
    context.state.write(at, audit);
    ++deal.open_audits;
    context.state.write(key::deal(deal.id), deal);
    return emit(context, EventKind::audit_opened, context.sender, node, deal.id);
}

Status end_audit(Context& context, Deal& deal, const Audit& audit, const Address& deposit_to) {
    context.state.erase(key::audit(audit.node, audit.deal));
    --deal.open_audits;
    context.state.write(key::deal(deal.id), deal);
    return pay(context, module::deals(), deposit_to, audit.deposit, Reason::deposit, audit.deal);
}

// What the node has earned up to `until_ms` and was not paid yet.
Status pay_holder(Context& context, Deal& deal, DealHolder& holder, std::uint64_t until_ms) {
    const auto end = std::min(until_ms, deal.end_ms);
    const auto earned = holder.total.part(end - deal.begin_ms, deal.end_ms - deal.begin_ms);
    TRY(const auto due, earned.minus(holder.paid));
    holder.paid = earned;
    TRY(deal.escrow, deal.escrow.minus(due));
    return pay(context, module::deals(), holder.node, due, Reason::deal_pay, deal.id);
}

Status answer_audit(Context& context, abi::Reader in) {
    TRY(auto deal, deal_in(context, in));
    TRY(const auto node, in.address());
    TRY(const auto bytes, in.bytes(block::SlotProof::kSizeMax));
    TRY(auto* holder, holder_of(deal, node));
    TRY(const auto audit, require<Audit>(context.state, key::audit(node, deal.id),
                                         "open audit of this node for the deal"));
    if (audit.deadline_ms == 0) return refused("what to show is drawn in the next block");
    if (context.time_ms > audit.deadline_ms) return refused("the audit's deadline has passed");
    TRY(const auto proof, block::SlotProof::decode(bytes));
    TRY(const auto known, certified(context, deal.block));
    TRY_VOID(block::verify_slot_proof(known.certificate.commitment, audit.slot, audit.draw, proof));
    TRY_VOID(pay_holder(context, deal, *holder, audit.opened_ms));
    TRY_VOID(end_audit(context, deal, audit, node));
    return emit(context, EventKind::audit_answered, audit.challenger, node, deal.id);
}

Status expire_audit(Context& context, abi::Reader in) {
    TRY(auto deal, deal_in(context, in));
    TRY(const auto node, in.address());
    TRY(auto* holder, holder_of(deal, node));
    TRY(const auto audit, require<Audit>(context.state, key::audit(node, deal.id),
                                         "open audit of this node for the deal"));
    if (audit.deadline_ms == 0 || context.time_ms <= audit.deadline_ms)
        return refused("the node has time until its deadline to answer");
    holder->lost = true;
    TRY_VOID(end_audit(context, deal, audit, audit.challenger));
    Fault fault{node, deal.id};
    if (audit.challenger != node) fault.reporter = audit.challenger;
    TRY_VOID(slash(context, fault));
    return emit(context, EventKind::audit_missed, audit.challenger, node, deal.id);
}

Status close_deal(Context& context, abi::Reader in) {
    TRY(const auto deal, deal_in(context, in));
    if (context.time_ms < deal.end_ms) return refused("the deal has not ended");
    if (deal.open_audits != 0) return refused("a node is being audited for the deal");
    const bool all_settled = std::all_of(deal.holders.begin(), deal.holders.end(), [](auto& each) {
        return each.lost || each.paid == each.total;
    });
    if (!all_settled && context.time_ms <= deal.end_ms + kLastAuditMs)
        return refused("nodes have 7 days from the deal's end to show what they hold");
    TRY(auto known, certified(context, deal.block));
    known.record.released = --known.record.parts == 0;
    context.state.write(key::block(deal.block), known.record);
    for (const auto& holder : deal.holders)
        context.state.erase(key::deal_of_node(holder.node, deal.id));
    context.state.erase(key::deal(deal.id));
    TRY_VOID(pay(context, module::deals(), deal.client, deal.escrow, Reason::refund, deal.id));
    return emit(context, EventKind::deal_closed, context.sender, deal.client, deal.id);
}

// Draws one audit's slot; without any slot left to ask for there is nothing to show.
Status draw(Context& context, const Digest& beacon, Audit audit) {
    TRY(auto deal, require<Deal>(context.state, key::deal(audit.deal), "such deal"));
    TRY(const auto slots, slots_of(context, deal, audit.node));
    if (slots.empty()) return end_audit(context, deal, audit, audit.challenger);
    const auto what =
        Writer().raw(beacon.span()).raw(audit.deal.span()).raw(audit.node.span()).bytes();
    audit.draw = crypto::blake3_keyed(crypto::domain_key("audit"), what);
    TRY(const auto number, Reader(audit.draw.span()).u<std::uint64_t>());
    audit.slot = slots[number % slots.size()];
    audit.deadline_ms = context.time_ms + kAuditAnswerMs;
    context.state.write(key::audit(audit.node, audit.deal), audit);
    return {};
}

}  // namespace

Status draw_audits(Context& context, const Digest& beacon) {
    TRY(const auto waiting, read_undrawn(context));
    if (waiting.audits.empty()) return {};
    Undrawn later;
    for (const auto& one : waiting.audits) {
        TRY(const auto audit, require<Audit>(context.state, key::audit(one.node, one.deal),
                                             "open audit of this node for the deal"));
        // Whoever opened it in this block knew the beacon.
        if (audit.height == context.height)
            later.audits.push_back(one);
        else
            TRY_VOID(draw(context, beacon, audit));
    }
    if (later.audits.empty())
        context.state.erase(undrawn());
    else
        context.state.write(undrawn(), later);
    return {};
}

bool awaits_draw(const StateView& state) {
    const auto waiting = state.get(undrawn());
    return waiting.ok() && waiting->has_value();
}

Status deals_module(Context& context, ByteSpan data) {
    static constexpr Method kMethods[] = {
        {signature::kOfferStorage, offer_storage}, {signature::kOpenDeal, open_deal, true},
        {signature::kAudit, open_audit, true},     {signature::kAnswerAudit, answer_audit},
        {signature::kExpireAudit, expire_audit},   {signature::kCloseDeal, close_deal}};
    return dispatch(context, data, kMethods);
}

}  // namespace mutirao::ledger
