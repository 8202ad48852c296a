// A deal from its price to its end, with the real nodes: who keeps the block is paid to the last
// wei by audits that it asks of itself, and who lost it is slashed.
#include <gtest/gtest.h>

#include "ledger/deals.hpp"
#include "ledger/staking.hpp"
#include "sim/test_person.hpp"

namespace mutirao::sim {
namespace {

constexpr std::uint32_t kNodes = 4;
constexpr std::uint64_t kPrice = 1'000'000'000'000'000;  // wei a KiB and day
constexpr std::uint64_t kHourMs = 3600ull * 1000;

std::string name_of(std::uint32_t i) { return "storage-" + std::to_string(i + 1); }

class Deals : public ::testing::Test {
  protected:
    void SetUp() override {
        world = World::make(7, kNodes, founder_key().address()).value();
        client = std::make_unique<Person>(*world, founder_key());
        const auto end = world->clock().unix_ms() + 30 * ledger::kDayMs;
        for (std::uint32_t i = 0; i < kNodes; ++i)
            ASSERT_TRUE(world->node(name_of(i)).offer_storage(kPrice, end).ok());
        ASSERT_TRUE(client->put(random_bytes(50'000, world->random())).ok());
        const auto blocks = client->ledger().scan(ledger::key::blocks(), {}, 9).value();
        ASSERT_EQ(blocks.size(), 1u);
        block = BlockId::from_bytes(ByteSpan(blocks[0].first).last(32)).value();
        const auto now = client->ledger().status()->time_ms;
        const auto opened = client->sender().send(ledger::open_deal(
            block, now + 3 * ledger::kDayMs, 256, ledger::Amount(~ledger::u128{0} >> 70)));
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        deal = opened->receipt.created;
    }
    ledger::Deal record() {
        return ledger::require<ledger::Deal>(client->ledger(), ledger::key::deal(deal), "deal")
            .value();
    }
    // Nodes look around every ten minutes, and the ledger makes blocks.
    void pass(std::uint64_t hours) {
        for (std::uint64_t i = 0; i < 6 * hours; ++i) {
            world->clock().sleep(std::chrono::minutes(10));
            for (std::uint32_t n = 0; n < kNodes; ++n)
                if (n != away) {
                    ASSERT_TRUE(world->tend(name_of(n)).ok());
                }
        }
    }
    std::unique_ptr<World> world;
    std::unique_ptr<Person> client;
    BlockId block;
    Digest deal;
    std::uint32_t away = kNodes;  // who does not look around
};

TEST_F(Deals, pay_who_keeps_the_block_day_by_day_and_all_of_it_in_the_end) {
    const auto total = record().total();
    EXPECT_EQ(record().escrow, total);
    pass(30);
    for (const auto& holder : record().holders) {
        EXPECT_GE(holder.paid, holder.total.part(1, 3));
        EXPECT_LT(holder.paid, holder.total.part(1, 2));
    }
    pass(44);
    EXPECT_TRUE(record().escrow.is_zero());
    ASSERT_TRUE(client->sender().send(ledger::close_deal(deal)).ok());
    EXPECT_FALSE(client->ledger().get(ledger::key::deal(deal)).value());
}

TEST_F(Deals, slash_who_lost_the_block_and_answers_no_audit) {
    const auto lost = world->node(name_of(2)).identity().address();
    ASSERT_TRUE(
        client->sender().send(ledger::stake(lost, ledger::Amount(1'000'000'000'000'000'000))).ok());
    away = 2;
    ASSERT_TRUE(client->sender().send(ledger::open_audit(deal, lost, ledger::kAuditDeposit)).ok());
    const auto kept = world->node(name_of(1)).identity().address();
    ASSERT_TRUE(client->sender().send(ledger::open_audit(deal, kept, ledger::kAuditDeposit)).ok());
    pass(2);
    EXPECT_EQ(record().open_audits, 1u);
    ASSERT_TRUE(client->sender().send(ledger::expire_audit(deal, lost)).ok());
    for (const auto& holder : record().holders) {
        EXPECT_EQ(holder.lost, holder.node == lost);
        EXPECT_EQ(holder.paid.is_zero(), holder.node != kept);
    }
    EXPECT_EQ(ledger::stake_of(client->ledger(), lost)->bonded.wei,
              ledger::Amount(700'000'000'000'000'000));
}

}  // namespace
}  // namespace mutirao::sim
