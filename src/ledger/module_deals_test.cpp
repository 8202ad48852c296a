// Deals: prices, terms, and audits of what nodes hold.
#include <gtest/gtest.h>

#include "block/stated_block_test.hpp"
#include "ledger/deals.hpp"
#include "ledger/staking.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

Address node(int number) { return wallet(number).address(); }
Amount mut(std::uint64_t whole) { return kOneMut.times(whole).value(); }

// Nodes 0 to 3 hold one block, which the first three signed for; wallet 8 buys, wallet 9 audits.
class Deals : public ::testing::Test {
  protected:
    static constexpr int kNodes = 4;
    static constexpr std::uint64_t kPrice = 1'000'000'000'000;  // wei a KiB and day
    void SetUp() override {
        for (int i = 0; i < kNodes; ++i)
            ASSERT_TRUE(chain.send(wallet(i), TestNode(i).joins(Role::storage)).ok());
        certificate = block::certificate_for(coded.statement, kNodes);
        certificate.opening = block::open_leaves(coded.statement, coded.statement.id());
        epoch = chain.record<EpochRecord>(key::epoch(kNodes));
        std::vector<std::uint32_t> members;
        std::vector<crypto::BlsSignature> signatures;
        for (std::uint32_t i = 0; i < kNodes; ++i) {
            if (epoch.members[i].node == node(3)) continue;
            members.push_back(i);
            const auto message = block::availability_message(8021, certificate);
            for (int who = 0; who < kNodes; ++who)
                if (node(who) == epoch.members[i].node)
                    signatures.push_back(TestNode(who).bls.sign(message));
        }
        certificate.signers = block::signer_bitmap(kNodes, members);
        certificate.signature = crypto::aggregate(signatures).value();
        const PaidPart part{digest_of("content"), 20000};
        const auto fee = parts_fee(chain.ledger.genesis(), {&part, 1}).value();
        ASSERT_TRUE(chain.send(wallet(8), certify(certificate, {&part, 1}, fee)).ok());
        ASSERT_TRUE(chain.send(wallet(7), stake(node(0), mut(100))).ok());
    }
    void offer(int number, std::uint64_t price = kPrice) {
        ASSERT_TRUE(chain.send(wallet(number), offer_storage(price, kStartMs + 100 * kDayMs)).ok());
    }
    // For ten days from now.
    Status open(std::uint32_t least_slots = 1, Amount most = mut(1)) {
        end_ms = chain.time_ms + 100 + 10 * kDayMs;
        const auto done =
            chain.send(wallet(8), open_deal(certificate.id, end_ms, least_slots, most));
        if (done.ok()) deal = chain.last.created;
        return done;
    }
    Deal record() const { return chain.record<Deal>(key::deal(deal)); }
    DealHolder holder(int number) const {
        for (const auto& each : record().holders)
            if (each.node == node(number)) return each;
        return {};
    }
    Audit audit_of(int number) const { return chain.record<Audit>(key::audit(node(number), deal)); }
    block::SlotProof proof_for(const Audit& audit) const {
        auto digests = block::slot_digests(coded, audit.slot);
        const auto place = block::drawn_row(audit.draw, digests.size());
        const auto row = coded.row(coded.order.row_at(audit.slot, place));
        return block::prove_slot(coded.statement, audit.slot, std::move(digests), to_bytes(row));
    }
    Status audit(int by, int number) {
        const auto deposit = by == number ? Amount() : kAuditDeposit;
        return chain.send(wallet(by), open_audit(deal, node(number), deposit));
    }
    Status answer(int number) {
        return chain.send(wallet(5), answer_audit(deal, node(number), proof_for(audit_of(number))));
    }

    TestChain chain;
    block::CodedBlock coded = block::code(20000);
    block::Certificate certificate;
    EpochRecord epoch;
    Digest deal;
    std::uint64_t end_ms = 0;
};

TEST_F(Deals, are_with_those_who_signed_and_offer_and_lock_their_price) {
    EXPECT_NE(open().error().message.find("hold 0 of the block's slots"), std::string::npos);
    offer(0);
    offer(1, 2 * kPrice);
    offer(3);  // has not signed
    const auto before = chain.balance(node(8));
    ASSERT_TRUE(open().ok());
    const auto made = record();
    ASSERT_EQ(made.holders.size(), 2u);
    const auto placement = placement::Placement::make(epoch.membership()).value();
    for (const int who : {0, 1}) {
        const auto slots =
            placement.slots_held(certificate.id)[*epoch.membership().find(node(who))];
        EXPECT_EQ(holder(who).slots, slots);
        // 20 KiB, ten days.
        EXPECT_EQ(holder(who).total,
                  Amount(u128{kPrice} * unsigned(who + 1) * 20 * slots * 10 / 256));
    }
    EXPECT_EQ(made.escrow, made.total());
    EXPECT_EQ(chain.balance(module::deals()), made.escrow);
    EXPECT_EQ(chain.balance(node(8)),
              before.minus(made.escrow).value().minus(chain.last.fee).value());
    EXPECT_EQ(chain.record<CertifiedBlock>(key::block(certificate.id)).parts, 2u);
}

TEST_F(Deals, refuse_terms_prices_and_blocks_that_do_not_fit) {
    EXPECT_EQ(chain.send(wallet(9), offer_storage(1, ~0ull)).error().kind, ErrorKind::not_found);
    offer(0);
    EXPECT_FALSE(open(256).ok());
    EXPECT_EQ(open(1, Amount(1)).error().kind, ErrorKind::insufficient_funds);
    const auto refuses = [&](const BlockId& id, std::uint64_t end) {
        EXPECT_FALSE(chain.send(wallet(8), open_deal(id, end, 1, mut(1))).ok());
    };
    refuses(certificate.id, chain.time_ms + kDealTermLeastMs);  // a block later it is less
    refuses(certificate.id, chain.time_ms + kDealTermMaxMs + 1000);
    refuses(certificate.id, kStartMs + 100 * kDayMs + 1);  // nobody offers so long
    refuses(BlockId{digest_of("?").bytes}, chain.time_ms + kDayMs);
    // An offer is taken back, and lapses when the node leaves.
    ASSERT_TRUE(chain.send(wallet(0), offer_storage(kPrice, 0)).ok());
    EXPECT_FALSE(open().ok());
    offer(0);
    ASSERT_TRUE(chain.send(wallet(0), leave_network()).ok());
    EXPECT_FALSE(open().ok());
}

TEST_F(Deals, an_answered_audit_pays_up_to_its_opening_and_the_deposit) {
    offer(0);
    ASSERT_TRUE(open().ok());
    chain.time_ms += 5 * kDayMs;
    EXPECT_FALSE(chain.send(wallet(9), open_audit(deal, node(0), {})).ok());  // no deposit
    EXPECT_FALSE(audit(9, 1).ok());                                           // no holder
    ASSERT_TRUE(audit(9, 0).ok());
    EXPECT_EQ(audit_of(0).deadline_ms, 0u);
    EXPECT_TRUE(awaits_draw(chain.ledger.state()));
    chain.block({});
    EXPECT_FALSE(awaits_draw(chain.ledger.state()));
    EXPECT_EQ(audit_of(0).deadline_ms, chain.time_ms + kAuditAnswerMs);
    EXPECT_EQ(audit(5, 0).error().kind, ErrorKind::already_exists);
    const auto drawn = audit_of(0);
    const auto placement = placement::Placement::make(epoch.membership()).value();
    EXPECT_EQ(epoch.members[placement.owner(certificate.id, drawn.slot)].node, node(0));
    const auto before = chain.balance(node(0));
    ASSERT_TRUE(answer(0).ok());
    const auto due = holder(0).total.part(drawn.opened_ms - record().begin_ms, 10 * kDayMs);
    EXPECT_EQ(holder(0).paid, due);
    EXPECT_EQ(chain.balance(node(0)), before.plus(due).value().plus(kAuditDeposit).value());
    EXPECT_EQ(record().open_audits, 0u);
    EXPECT_EQ(chain.balance(module::deals()), record().escrow);
    // Nothing is left to answer, and nothing more is paid for the same time.
    EXPECT_EQ(chain.send(wallet(5), answer_audit(deal, node(0), proof_for(drawn))).error().kind,
              ErrorKind::not_found);
}

TEST_F(Deals, what_to_show_is_drawn_after_the_audit_is_opened_and_nothing_else_answers) {
    offer(0);
    ASSERT_TRUE(open().ok());
    // Of one block: the row is drawn in the next.
    const auto ask = chain.signed_call(wallet(9), open_audit(deal, node(0), kAuditDeposit));
    const auto early = chain.signed_call(wallet(5), answer_audit(deal, node(0), proof_for({})));
    chain.block({ask, early});
    EXPECT_FALSE(chain.ledger.receipt(Transaction::hash(early)).value()->succeeded);
    EXPECT_EQ(audit_of(0).deadline_ms, 0u);
    chain.block({});
    auto other = audit_of(0);
    EXPECT_FALSE(other.draw.is_zero());
    const auto rows = block::slot_digests(coded, other.slot).size();
    const auto right = block::drawn_row(other.draw, rows);
    while (block::drawn_row(other.draw, rows) == right) ++other.draw.bytes[0];
    EXPECT_EQ(chain.send(wallet(0), answer_audit(deal, node(0), proof_for(other))).error().kind,
              ErrorKind::permission_denied);
    auto changed = proof_for(audit_of(0));
    changed.row.back() ^= 1;
    EXPECT_FALSE(chain.send(wallet(0), answer_audit(deal, node(0), changed)).ok());
    EXPECT_TRUE(answer(0).ok());
}

TEST_F(Deals, who_does_not_answer_is_slashed_and_paid_no_more) {
    offer(0);
    offer(1);
    ASSERT_TRUE(open().ok());
    ASSERT_TRUE(audit(9, 0).ok());
    chain.block({});
    EXPECT_FALSE(chain.send(wallet(5), expire_audit(deal, node(0))).ok());
    chain.time_ms = audit_of(0).deadline_ms;
    EXPECT_FALSE(chain.send(wallet(0), answer_audit(deal, node(0), proof_for(audit_of(0)))).ok());
    const auto supply = chain.supply();
    const auto before = chain.balance(node(9));
    ASSERT_TRUE(chain.send(wallet(5), expire_audit(deal, node(0))).ok());
    // 30 MUT are cut; 5 % of them and the deposit go to who asked.
    EXPECT_EQ(chain.record<NodeStake>(key::node_stake(node(0))).bonded.wei, mut(70));
    EXPECT_EQ(chain.balance(node(9)),
              before.plus(mut(30).part(1, 20)).value().plus(kAuditDeposit).value());
    EXPECT_EQ(chain.supply(), supply);
    EXPECT_TRUE(holder(0).lost);
    EXPECT_FALSE(chain.record<NodeRecord>(key::node(node(0))).active);
    EXPECT_FALSE(audit(9, 0).ok());
    // At the end the other one is paid and the client has the rest.
    chain.time_ms = end_ms;
    ASSERT_TRUE(audit(1, 1).ok());
    chain.block({});
    EXPECT_FALSE(chain.send(wallet(5), close_deal(deal)).ok());
    ASSERT_TRUE(answer(1).ok());
    EXPECT_EQ(holder(1).paid, holder(1).total);
    const auto rest = holder(0).total;
    const auto client = chain.balance(node(8));
    ASSERT_TRUE(chain.send(wallet(5), close_deal(deal)).ok());
    EXPECT_EQ(chain.balance(node(8)), client.plus(rest).value());
    EXPECT_EQ(chain.balance(module::deals()), Amount());
    EXPECT_FALSE(chain.ledger.state().get(key::deal(deal)).value());
    EXPECT_TRUE(chain.ledger.state().scan(key::deals_of_node(node(1)), {}, 9).value().empty());
}

TEST_F(Deals, a_silent_holder_is_waited_for_a_week_and_the_block_stays_until_then) {
    offer(0);
    ASSERT_TRUE(open().ok());
    const auto content = digest_of("content");
    ASSERT_TRUE(chain.send(wallet(8), release_block(certificate.id, {&content, 1})).ok());
    EXPECT_FALSE(chain.record<CertifiedBlock>(key::block(certificate.id)).released);
    EXPECT_FALSE(chain.send(wallet(8), close_deal(deal)).ok());
    chain.time_ms = end_ms;
    EXPECT_FALSE(chain.send(wallet(8), close_deal(deal)).ok());
    chain.time_ms = end_ms + kLastAuditMs;
    EXPECT_FALSE(audit(9, 0).ok());
    ASSERT_TRUE(chain.send(wallet(8), close_deal(deal)).ok());
    EXPECT_TRUE(chain.record<CertifiedBlock>(key::block(certificate.id)).released);
    EXPECT_FALSE(open().ok());  // nodes may have dropped it
}

TEST_F(Deals, placement_frees_a_member_of_a_slot_and_leaving_frees_of_nothing) {
    const auto before = Committee{epoch, placement::Placement::make(epoch.membership()).value()};
    const auto all = slots_answered_for(certificate.id, node(0), before, nullptr);
    EXPECT_EQ(slots_answered_for(certificate.id, node(0), before, &before), all);
    auto grown = epoch;
    grown.members[3].weight = 50;  // whoever it is
    const auto now = Committee{grown, placement::Placement::make(grown.membership()).value()};
    const auto left = slots_answered_for(certificate.id, node(0), before, &now);
    EXPECT_NE(left.size(), all.size());
    auto without = epoch;
    std::erase_if(without.members, [](const auto& each) { return each.node == node(0); });
    const auto gone = Committee{without, placement::Placement::make(without.membership()).value()};
    EXPECT_EQ(slots_answered_for(certificate.id, node(0), before, &gone), all);
    EXPECT_TRUE(slots_answered_for(certificate.id, node(9), before, &before).empty());
}

}  // namespace
}  // namespace mutirao::ledger
