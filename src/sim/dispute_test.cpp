// A provider whose answer is disputed shows the receipt that it kept; one that lost it pays.
#include <gtest/gtest.h>

#include "ledger/staking.hpp"
#include "node/paid_receipts.hpp"
#include "sim/test_person.hpp"

namespace mutirao::sim {
namespace {

const ledger::Amount kOneMut{1'000'000'000'000'000'000u};

class Disputes : public ::testing::Test {
  protected:
    void SetUp() override {
        world = World::make(8, 4, founder_key().address()).value();
        client = std::make_unique<Person>(*world, founder_key());
        send(ledger::transfer(provider.address(), *kOneMut.times(5)));
        send(ledger::stake(provider.address(), *kOneMut.times(10)));
        ledger::NodeRecord record;
        record.role = ledger::Role::compute;
        record.endpoint = "nowhere";
        record.bls_key = bls.public_key();
        ASSERT_TRUE(provider_sends(ledger::register_node(record, bls.prove_possession())).ok());
        const auto run = send(ledger::create_run({}, {provider.address()}, {})).receipt.created;
        ledger::RunOutcome outcome;
        outcome.run = run;
        outcome.price_per_token = ledger::Amount(1000);
        outcome.trainer_tokens = {1};
        send(ledger::finish_run(outcome));
        model = ledger::asset_id(founder_key().address(), {});
        const auto subject = ledger::subject_of(provider.address());
        const auto end = world->clock().unix_ms() + 10 * 24 * 3600 * 1000ull;
        send(ledger::offer_licence(model, subject, {ledger::Purpose::infer, {}, 0, end}));
        ASSERT_TRUE(
            provider_sends(ledger::accept_licence(ledger::licence_id(model, subject), {})).ok());
        ASSERT_TRUE(provider_sends(ledger::offer_model(model)).ok());
        send(ledger::open_key(session.address(), kOneMut, end));
    }
    node::Sent send(const ledger::Call& call) {
        auto sent = client->sender().send(call);
        EXPECT_TRUE(sent.ok()) << sent.error().message;
        return sent.ok() ? std::move(*sent) : node::Sent();
    }
    Result<node::Sent> provider_sends(const ledger::Call& call) {
        node::LedgerClient ledger(world->network(), "ledger");
        return node::Sender(ledger, provider).send(call);
    }
    compute::Receipt receipt() const {
        compute::Receipt out;
        out.model = model;
        out.output_tokens = 3;
        out.price = {0, 3000};
        out.sign(provider);
        return out;
    }
    ledger::Voucher voucher() {
        ledger::Voucher out;
        out.provider = provider.address();
        out.model = model;
        out.cumulative = ledger::Amount(3000);
        out.tokens = 3;
        out.sign(session, client->ledger().status()->genesis.chain_id);
        return out;
    }
    ledger::Dispute dispute() {
        const auto at = ledger::key::dispute(provider.address(), voucher().hash());
        return *ledger::require<ledger::Dispute>(client->ledger(), at, "dispute");
    }
    std::unique_ptr<World> world;
    std::unique_ptr<Person> client;
    SeededRandom random{5};
    const crypto::AccountKey provider = crypto::AccountKey::generate(random);
    const crypto::AccountKey session = crypto::AccountKey::generate(random);
    const crypto::BlsSecretKey bls = *crypto::BlsSecretKey::generate(Bytes(32, 9));
    Digest model;
    MemoryDisk disk;
};

TEST_F(Disputes, are_answered_by_whoever_kept_the_receipt) {
    node::LedgerClient ledger(world->network(), "ledger");
    node::Sender sender(ledger, provider);
    node::PaidReceipts kept(disk, world->clock(), ledger, sender);
    ASSERT_TRUE(kept.keep(voucher(), receipt()).ok());
    ASSERT_TRUE(sender.send(ledger::settle(voucher())).ok());
    ASSERT_TRUE(kept.tend().ok());
    send(ledger::dispute(voucher()));
    EXPECT_EQ(dispute().state, ledger::DisputeState::open);
    // A provider that starts again still has it.
    node::PaidReceipts again(disk, world->clock(), ledger, sender);
    ASSERT_TRUE(again.tend().ok());
    EXPECT_EQ(dispute().state, ledger::DisputeState::answered);
    // It is forgotten once nobody can ask for it any more.
    world->clock().sleep(std::chrono::hours(24));
    ASSERT_TRUE(again.tend().ok());
    EXPECT_EQ(disk.list("receipts")->size(), 1u);
    world->clock().sleep(std::chrono::hours(26));
    ASSERT_TRUE(again.tend().ok());
    EXPECT_TRUE(disk.list("receipts")->empty());
}

TEST_F(Disputes, cost_stake_when_the_receipt_is_gone) {
    node::LedgerClient ledger(world->network(), "ledger");
    node::Sender sender(ledger, provider);
    ASSERT_TRUE(sender.send(ledger::settle(voucher())).ok());
    send(ledger::dispute(voucher()));
    node::PaidReceipts kept(disk, world->clock(), ledger, sender);
    ASSERT_TRUE(kept.tend().ok());  // it says so in its log
    EXPECT_EQ(dispute().state, ledger::DisputeState::open);
    world->clock().sleep(std::chrono::hours(25));
    send(ledger::expire_dispute(provider.address(), voucher().hash()));
    EXPECT_EQ(dispute().state, ledger::DisputeState::lost);
    EXPECT_EQ(ledger::stake_of(ledger, provider.address())->bonded.wei, *kOneMut.times(7));
}

}  // namespace
}  // namespace mutirao::sim
