// Deals: nodes keep a certified block for a term, and are paid for what they show to have. Module
// 0x...6d7509, interface in docs/reference/abi/IDeals.sol, reasons in docs/decisions/0025. Pure;
// any thread.
//
// A node offers a price; a deal is with those who signed the block's certificate and offer storage
// until the deal ends. The whole price is locked. A node is paid up to the moment of the last audit
// that it answered. Anybody may audit it, itself too: which row of which of its slots it has to
// show is drawn by the state hash of the block in which the audit was opened, so nobody knows it
// before. Who does not answer in time is slashed.
#pragma once

#include <string_view>

#include "block/slot_proof.hpp"
#include "ledger/calls.hpp"
#include "ledger/memo.hpp"

namespace mutirao::ledger {

struct StorageOffer {
    Address node;
    std::uint64_t wei_per_kib_day = 0;  // of a block's content, for all of its 256 slots
    std::uint64_t until_ms = 0;         // no deal that ends later
    template <class V>
    void fields(V& visit) {
        visit(node), visit(wei_per_kib_day), visit(until_ms);
    }
};

// What one node has of a deal.
struct DealHolder {
    Address node;
    std::uint32_t slots = 0;  // that it signed for
    Amount total;             // for the whole term
    Amount paid;
    bool lost = false;  // it did not answer an audit: it gets no more
    template <class V>
    void fields(V& visit) {
        visit(node), visit(slots), visit(total), visit(paid), visit(lost);
    }
};

struct Deal {
    Digest id;
    BlockId block;
    Address client;
    std::uint64_t begin_ms = 0;
    std::uint64_t end_ms = 0;
    Amount escrow;  // not paid yet
    std::uint32_t open_audits = 0;
    std::vector<DealHolder> holders;
    template <class V>
    void fields(V& visit) {
        visit(id), visit(block), visit(client), visit(begin_ms), visit(end_ms), visit(escrow);
        visit(open_audits), visit(holders);
    }
    Amount total() const;
};

struct Audit {
    Digest deal;
    Address node;
    Address challenger;
    Amount deposit;
    std::uint64_t opened_ms = 0;
    std::uint64_t height = 0;       // of the block that opened it
    std::uint64_t deadline_ms = 0;  // 0 until slot and row are drawn, in the next block
    std::uint32_t slot = 0;
    Digest draw;  // block::drawn_row() of it is asked for
    template <class V>
    void fields(V& visit) {
        visit(deal), visit(node), visit(challenger), visit(deposit), visit(opened_ms);
        visit(height), visit(deadline_ms), visit(slot), visit(draw);
    }
};

inline constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;
inline constexpr std::uint64_t kDealTermLeastMs = 60ull * 1000;
inline constexpr std::uint64_t kDealTermMaxMs = 400 * kDayMs;
inline constexpr std::uint64_t kAuditAnswerMs = 3600ull * 1000;  // from the draw on
inline constexpr std::uint64_t kLastAuditMs = 7 * kDayMs;        // after a deal's end
inline constexpr Amount kAuditDeposit{10'000'000'000'000'000};   // 0.01 MUT: the answer's gas
inline constexpr std::size_t kAuditsABlock = 256;                // opened

namespace module {
Address deals();
}

namespace key {
Bytes storage_offer(const Address& node);
Bytes deal(const Digest& id);
Bytes deal_of_node(const Address& node, const Digest& deal);  // empty value
Bytes audit(const Address& node, const Digest& deal);
// Prefixes for scans.
Bytes storage_offers();
Bytes deals();
Bytes deals_of_node(const Address& node);
Bytes audits();
Bytes audits_of_node(const Address& node);
}  // namespace key

namespace signature {
inline constexpr std::string_view kOfferStorage = "offerStorage(uint64,uint64)";
inline constexpr std::string_view kOpenDeal = "openDeal(bytes32,uint64,uint32)";
inline constexpr std::string_view kAudit = "audit(bytes32,address)";
inline constexpr std::string_view kAnswerAudit = "answerAudit(bytes32,address,bytes)";
inline constexpr std::string_view kExpireAudit = "expireAudit(bytes32,address)";
inline constexpr std::string_view kCloseDeal = "closeDeal(bytes32)";
}  // namespace signature

namespace view_signature {
inline constexpr std::string_view kStorageOffer = "storageOffer(address)";
inline constexpr std::string_view kQuote = "quote(bytes32,uint64)";
inline constexpr std::string_view kDeal = "deal(bytes32)";
inline constexpr std::string_view kHolding = "holding(bytes32,address)";
inline constexpr std::string_view kOpenAudit = "openAudit(bytes32,address)";
}  // namespace view_signature

// `until_ms` 0 takes the offer back; deals that were made stay.
Call offer_storage(std::uint64_t wei_per_kib_day, std::uint64_t until_ms);
// `most` is what the deal may cost; the rest comes back at once.
Call open_deal(const BlockId& block, std::uint64_t end_ms, std::uint32_t least_slots, Amount most);
// `deposit` is kAuditDeposit, and zero for the node itself.
Call open_audit(const Digest& deal, const Address& node, Amount deposit);
Call answer_audit(const Digest& deal, const Address& node, const block::SlotProof& proof);
Call expire_audit(const Digest& deal, const Address& node);
Call close_deal(const Digest& deal);

Digest deal_id(const Address& client, std::uint64_t nonce, const BlockId& block);

// Who would hold the block from `begin_ms` to `end_ms`, and for how much: nodes of `committee`, the
// certificate's epoch, that signed it, are active and offer storage until then. In the order of
// addresses; may be none. invalid_argument for an amount over 2^128-1 and for a term outside the
// limits.
Result<std::vector<DealHolder>> quote(const StateView& state, const block::Certificate& certificate,
                                      const Committee& committee, std::uint64_t begin_ms,
                                      std::uint64_t end_ms);

// Whether an audit waits for the next block, which draws what is to be shown: an engine that makes
// no empty blocks makes one then.
bool awaits_draw(const StateView& state);

// Slots of the deal's block that the node answers for now: those it signed for, but for those that
// placement has given to somebody else since while the node is still a member. Leaving frees of
// nothing. `now` is null while there is no epoch.
std::vector<std::uint32_t> slots_answered_for(const BlockId& block, const Address& node,
                                              const Committee& signed_for, const Committee* now);

}  // namespace mutirao::ledger
