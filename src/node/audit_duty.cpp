#include "node/audit_duty.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace mutirao::node {
namespace {

constexpr auto kAskInterval = std::chrono::seconds(2);
constexpr auto kCollectInterval = std::chrono::minutes(1);
constexpr std::size_t kAuditsAtOnce = 64;
constexpr std::size_t kDealsMax = 100'000;
constexpr std::uint64_t kAnswerGas = 700'000;  // opening an audit and answering it

bool is_due(Duration& last, Duration now, Duration interval) {
    if (last >= Duration{0} && now - last < interval) return false;
    last = now;
    return true;
}

// What the node would be paid if it answered an audit now.
ledger::Amount due(const ledger::Deal& deal, const ledger::DealHolder& holder,
                   std::uint64_t now_ms) {
    const auto until = std::clamp(now_ms, deal.begin_ms, deal.end_ms);
    const auto earned = holder.total.part(until - deal.begin_ms, deal.end_ms - deal.begin_ms);
    return earned.minus(holder.paid).ok() ? *earned.minus(holder.paid) : ledger::Amount();
}

}  // namespace

Status AuditDuty::tend() {
    const auto now = clock_.monotonic();
    if (is_due(collected_, now, kCollectInterval)) TRY_VOID(collect());
    if (is_due(asked_, now, kAskInterval)) TRY_VOID(answer_audits());
    return {};
}

Status AuditDuty::answer_audits() {
    TRY(const auto audits,
        ledger::read_all<ledger::Audit>(ledger_, ledger::key::audits_of_node(sender_.address()),
                                        kAuditsAtOnce));
    for (const auto& audit : audits) {
        if (audit.deadline_ms == 0) continue;  // drawn in the next block
        if (const auto answered = answer(audit); !answered.ok())
            LOG_ERROR("an audit for deal " + audit.deal.hex() +
                      " is not answered: " + answered.error().message);
    }
    return {};
}

Status AuditDuty::answer(const ledger::Audit& audit) {
    TRY(const auto deal,
        ledger::require<ledger::Deal>(ledger_, ledger::key::deal(audit.deal), "such deal"));
    TRY(const auto proof, prove_(deal.block, audit.slot, audit.draw));
    TRY_VOID(sender_.send(ledger::answer_audit(audit.deal, audit.node, proof)));
    LOG_INFO("slot " + std::to_string(audit.slot) + " of block " + deal.block.hex() +
             " was shown to the ledger");
    return {};
}

Status AuditDuty::collect() {
    const auto& self = sender_.address();
    TRY(const auto deals, ledger_.scan(ledger::key::deals_of_node(self), {}, kDealsMax));
    if (deals.empty()) return {};
    TRY(const auto status, ledger_.status());
    // That of the next block, if this node's clock is right.
    const auto now_ms = clock_.unix_ms();
    TRY(const auto cost, status.genesis.base_fee.times(kAnswerGas));
    for (const auto& [at, empty] : deals) {
        TRY(const auto id, Digest::from_bytes(ByteSpan(at).last(Digest::kSize)));
        TRY(const auto deal, ledger::read<ledger::Deal>(ledger_, ledger::key::deal(id)));
        TRY(const auto open, ledger_.get(ledger::key::audit(self, id)));
        if (!deal || open) continue;
        for (const auto& holder : deal->holders) {
            if (holder.node != self || holder.lost) continue;
            const auto pay = due(*deal, holder, now_ms);
            const bool ended = now_ms >= deal->end_ms;
            const auto term = std::max(deal->end_ms - deal->begin_ms, ledger::kDayMs);
            const bool enough = ended || pay >= holder.total.part(ledger::kDayMs, term);
            if (!enough || pay <= cost) continue;
            if (const auto asked = sender_.send(ledger::open_audit(id, self, {})); !asked.ok())
                LOG_WARN("deal " + id.hex() + " is not collected: " + asked.error().message);
        }
    }
    return {};
}

}  // namespace mutirao::node
