// Staking: pots and their shares, release, rewards, and what proven faults cost.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "block/fraud_proof.hpp"
#include "block/stated_block_test.hpp"
#include "ledger/staking.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

Amount mut(std::uint64_t count) { return kOneMut.times(count).value(); }

// Whatever is done to a pot, its wei are where they should be and nobody gets out more than is
// there.
RC_GTEST_PROP(Pot, keeps_every_wei, ()) {
    Pot pot;
    std::vector<Amount> owners(3);
    Amount in, out;
    for (int i = 0; i < 40; ++i) {
        auto& own = owners[static_cast<std::size_t>(*rc::gen::inRange(0, 3))];
        const auto some = Amount(*rc::gen::inRange<std::uint64_t>(1, 1'000'000));
        switch (*rc::gen::inRange(0, 3)) {
            case 0:
                if (const auto bought = pot.put(some); bought.ok()) {
                    own = own.plus(*bought).value();
                    in = in.plus(some).value();
                    RC_ASSERT(pot.worth(*bought) <= some);
                }
                break;
            case 1: {
                const auto shares = own.part(some.wei() % 1000 + 1, 1000);
                out = out.plus(pot.take(shares).value()).value();
                own = own.minus(shares).value();
                break;
            }
            default: out = out.plus(pot.cut(300'000)).value();
        }
        Amount shares;
        for (const auto& each : owners) shares = shares.plus(each).value();
        RC_ASSERT(shares == pot.shares);
        RC_ASSERT(pot.wei.plus(out).value() == in);
        RC_ASSERT(pot.shares.is_zero() == pot.wei.is_zero());
    }
}

TEST(Pot, refuses_what_buys_no_share_and_what_is_not_there) {
    Pot pot;
    EXPECT_EQ(pot.put(Amount(1)).value(), Amount(1));
    pot.wei = Amount(10);  // a reward: a share is worth 10
    EXPECT_EQ(pot.put(Amount(9)).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(pot.put(Amount(25)).value(), Amount(2));
    EXPECT_EQ(pot.take(Amount(4)).error().kind, ErrorKind::insufficient_funds);
    EXPECT_EQ(pot.take(Amount(3)).value(), Amount(35));
}

class Staking : public ::testing::Test {
  protected:
    void use_minimum(Amount minimum) {
        auto genesis = TestChain::genesis();
        genesis.stake_minimum = minimum;
        chain.ledger = Ledger::begin(genesis).value();
    }
    void join(int number) {
        ASSERT_TRUE(chain.send(wallet(number), TestNode(number).joins(Role::storage)).ok());
    }
    Address node(int number) const { return wallet(number).address(); }
    NodeStake pots(int number) const {
        return stake_of(chain.ledger.state(), node(number)).value();
    }
    std::size_t members() const {
        const auto epoch = read_counter(chain.ledger.state(), key::current_epoch()).value();
        return chain.record<EpochRecord>(key::epoch(epoch)).members.size();
    }
    TestChain chain;
};

TEST_F(Staking, what_is_staked_comes_back_after_a_week) {
    const auto before = chain.balance(node(1));
    ASSERT_TRUE(chain.send(wallet(1), stake(node(0), mut(10))).ok());
    auto fees = chain.last.fee;
    EXPECT_EQ(pots(0).bonded.wei, mut(10));
    EXPECT_EQ(chain.balance(module::staking()), mut(10));
    EXPECT_EQ(chain.received(module::staking(), Reason::stake), mut(10));
    ASSERT_TRUE(chain.send(wallet(1), unstake(node(0), mut(4))).ok());
    fees = fees.plus(chain.last.fee).value();
    EXPECT_EQ(pots(0).leaving.wei, mut(4));
    EXPECT_FALSE(chain.send(wallet(1), withdraw(node(0))).ok());
    fees = fees.plus(chain.last.fee).value();
    chain.time_ms += kUnbondingMs;
    ASSERT_TRUE(chain.send(wallet(1), withdraw(node(0))).ok());
    fees = fees.plus(chain.last.fee).value();
    EXPECT_EQ(chain.received(node(1), Reason::unstake), mut(4));
    EXPECT_EQ(chain.balance(node(1)), before.minus(mut(6)).value().minus(fees).value());
    EXPECT_EQ(chain.send(wallet(1), withdraw(node(0))).error().kind, ErrorKind::not_found);
    // The rest, to the last wei, and no record is left behind.
    ASSERT_TRUE(chain.send(wallet(1), unstake(node(0), mut(6))).ok());
    chain.time_ms += kUnbondingMs;
    ASSERT_TRUE(chain.send(wallet(1), withdraw(node(0))).ok());
    EXPECT_EQ(chain.balance(module::staking()), Amount());
    EXPECT_FALSE(chain.ledger.state().get(key::owner_stake(node(1), node(0))).value());
}

TEST_F(Staking, only_what_is_ones_own_is_unstaked) {
    ASSERT_TRUE(chain.send(wallet(1), stake(node(0), mut(10))).ok());
    EXPECT_EQ(chain.send(wallet(2), unstake(node(0), Amount(1))).error().kind,
              ErrorKind::insufficient_funds);
    EXPECT_EQ(chain.send(wallet(1), unstake(node(0), mut(11))).error().kind,
              ErrorKind::insufficient_funds);
    EXPECT_FALSE(chain.send(wallet(1), unstake(node(0), {})).ok());
    EXPECT_FALSE(chain.send(wallet(1), stake(node(0), kStakeLeast.minus(Amount(1)).value())).ok());
    auto with_money = unstake(node(0), mut(1));
    with_money.value = Amount(1);
    EXPECT_FALSE(chain.send(wallet(1), with_money).ok());
    EXPECT_EQ(pots(0).bonded.wei, mut(10));
}

TEST_F(Staking, a_second_unstaking_puts_off_the_release_of_both) {
    ASSERT_TRUE(chain.send(wallet(1), stake(node(0), mut(10))).ok());
    ASSERT_TRUE(chain.send(wallet(1), unstake(node(0), mut(1))).ok());
    chain.time_ms += kUnbondingMs / 2;
    ASSERT_TRUE(chain.send(wallet(1), unstake(node(0), mut(1))).ok());
    chain.time_ms += kUnbondingMs / 2 + 1000;
    EXPECT_FALSE(chain.send(wallet(1), withdraw(node(0))).ok());
    chain.time_ms += kUnbondingMs / 2;
    ASSERT_TRUE(chain.send(wallet(1), withdraw(node(0))).ok());
    EXPECT_EQ(chain.received(node(1), Reason::unstake), mut(2));
}

TEST_F(Staking, a_storage_node_needs_the_minimum_while_it_is_a_member) {
    use_minimum(mut(100));
    const auto refused = chain.send(wallet(0), TestNode(0).joins(Role::storage));
    EXPECT_EQ(refused.error().kind, ErrorKind::permission_denied);
    EXPECT_NE(refused.error().message.find("100 MUT"), std::string::npos);
    EXPECT_TRUE(chain.send(wallet(3), TestNode(3).joins(Role::compute)).ok());
    // Somebody else's stake counts as one's own.
    ASSERT_TRUE(chain.send(wallet(1), stake(node(0), mut(100))).ok());
    join(0);
    ASSERT_TRUE(chain.send(wallet(2), stake(node(2), mut(150))).ok());
    join(2);
    EXPECT_EQ(members(), 2u);
    ASSERT_TRUE(chain.send(wallet(2), unstake(node(2), mut(50))).ok());
    EXPECT_EQ(members(), 2u);
    ASSERT_TRUE(chain.send(wallet(2), unstake(node(2), Amount(1))).ok());
    EXPECT_EQ(members(), 1u);
    ASSERT_TRUE(chain.send(wallet(1), stake(node(2), mut(1))).ok());
    EXPECT_EQ(members(), 2u);
}

TEST_F(Staking, rewards_go_to_members_by_stake_once_a_day) {
    for (int i : {0, 1}) join(i);
    EXPECT_FALSE(chain.send(wallet(9), distribute_rewards()).ok());  // nobody has stake
    ASSERT_TRUE(chain.send(wallet(2), stake(node(0), mut(30))).ok());
    ASSERT_TRUE(chain.send(wallet(3), stake(node(1), mut(10))).ok());
    ASSERT_TRUE(chain.send(wallet(3), stake(node(5), mut(500))).ok());  // no member
    const auto supply = chain.supply();
    const auto treasury = chain.balance(module::treasury());
    ASSERT_TRUE(chain.send(wallet(9), distribute_rewards()).ok());
    const auto budget = treasury.plus(chain.last.fee).value().part(kRewardPpm, 1'000'000);
    EXPECT_EQ(pots(0).bonded.wei, mut(30).plus(budget.part(3, 4)).value());
    EXPECT_EQ(pots(1).bonded.wei, mut(10).plus(budget.part(1, 4)).value());
    EXPECT_EQ(pots(5).bonded.wei, mut(500));
    EXPECT_EQ(chain.supply(), supply);
    EXPECT_EQ(chain.send(wallet(9), distribute_rewards()).error().kind, ErrorKind::already_exists);
    chain.time_ms += kRewardPeriodMs;
    EXPECT_TRUE(chain.send(wallet(9), distribute_rewards()).ok());
    // Who stakes later has no part of what was earned before.
    ASSERT_TRUE(chain.send(wallet(5), stake(node(0), mut(30))).ok());
    const auto own = chain.record<OwnerStake>(key::owner_stake(node(5), node(0)));
    EXPECT_LE(pots(0).bonded.worth(own.bonded), mut(30));
}

class Faults : public Staking {
  protected:
    static constexpr int kNodes = 3;
    void SetUp() override {
        for (int i = 0; i < kNodes; ++i) join(i);
        ASSERT_TRUE(chain.send(wallet(5), stake(node(0), mut(10))).ok());
        ASSERT_TRUE(chain.send(wallet(6), stake(node(0), mut(30))).ok());
        ASSERT_TRUE(chain.send(wallet(6), unstake(node(0), mut(20))).ok());
        epoch = chain.record<EpochRecord>(key::epoch(kNodes));
        certificate.id = BlockId{digest_of("block").bytes};
        certificate.commitment.bytes = TestNode(0).bls.sign(as_bytes("a point")).bytes;
        certificate.length = 5000;
        certificate.epoch = epoch.epoch;
    }
    std::uint32_t member(int number) const {
        for (std::uint32_t i = 0; i < epoch.members.size(); ++i)
            if (epoch.members[i].node == node(number)) return i;
        return ~0u;
    }
    block::Certificate signed_by(block::Certificate out, const std::vector<int>& signers) const {
        std::vector<std::uint32_t> indices;
        std::vector<crypto::BlsSignature> signatures;
        const auto message = block::availability_message(8021, out);
        for (const int i : signers) {
            indices.push_back(member(i));
            signatures.push_back(TestNode(i).bls.sign(message));
        }
        out.signers = block::signer_bitmap(kNodes, indices);
        out.signature = crypto::aggregate(signatures).value();
        return out;
    }
    block::Certificate longer() const {
        auto out = certificate;
        out.length = 6000;
        return out;
    }
    EpochRecord epoch;
    block::Certificate certificate;
};

TEST_F(Faults, who_signs_two_statements_of_one_block_is_slashed_once_and_leaves) {
    const auto supply = chain.supply();
    const auto call = prove_conflict(signed_by(certificate, {0, 1}), signed_by(longer(), {0, 2}));
    const auto before = chain.balance(node(9));
    ASSERT_TRUE(chain.send(wallet(9), call).ok());
    EXPECT_EQ(pots(0).bonded.wei, mut(14));
    EXPECT_EQ(pots(0).leaving.wei, mut(14));
    const auto cut = mut(12);
    EXPECT_EQ(chain.balance(node(9)),
              before.plus(cut.part(1, 20)).value().minus(chain.last.fee).value());
    EXPECT_EQ(chain.received(module::treasury(), Reason::slash), cut.part(19, 20));
    EXPECT_EQ(chain.supply(), supply);
    EXPECT_EQ(members(), 2u);  // the others signed only one of them
    EXPECT_FALSE(chain.record<NodeRecord>(key::node(node(0))).active);
    // Owners lose alike, in the pot and on the way out.
    const auto own = chain.record<OwnerStake>(key::owner_stake(node(6), node(0)));
    EXPECT_EQ(pots(0).bonded.worth(own.bonded), mut(7));
    EXPECT_EQ(chain.send(wallet(9), call).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(pots(0).bonded.wei, mut(14));
}

TEST_F(Faults, nothing_less_than_two_good_signatures_slashes) {
    const auto refuses = [&](const block::Certificate& one, const block::Certificate& other) {
        EXPECT_FALSE(chain.send(wallet(9), prove_conflict(one, other)).ok());
    };
    const auto good = signed_by(certificate, {0, 1});
    refuses(good, good);
    refuses(good, signed_by(certificate, {0}));  // the same words
    refuses(good, signed_by(longer(), {2}));     // nobody signed both
    auto other_block = longer();
    other_block.id = BlockId{digest_of("another block").bytes};
    refuses(good, signed_by(other_block, {0}));
    auto other_epoch = longer();
    other_epoch.epoch = 2;
    refuses(good, signed_by(other_epoch, {0}));
    auto forged = signed_by(longer(), {2});
    forged.signers = block::signer_bitmap(kNodes, std::vector<std::uint32_t>{member(0)});
    refuses(good, forged);
    refuses(forged, good);
    auto nobody = longer();
    nobody.signers = block::signer_bitmap(kNodes, {});
    refuses(good, nobody);
    EXPECT_EQ(pots(0).bonded.wei, mut(20));
    EXPECT_EQ(members(), 3u);
}

// A block whose row 300 has one flipped bit, stated so that everything else agrees.
block::CodedBlock with_junk_row() {
    auto coded = block::code(20000);
    block::row_of(coded, 300)[17] ^= 1;
    block::state_again(coded);
    return coded;
}

TEST_F(Faults, who_signed_for_a_slot_with_a_bad_row_is_slashed) {
    const auto coded = with_junk_row();
    const auto slot = coded.order.slot_of(300);
    const auto proof = block::prove_bad_row(block::open(coded), {300, coded.row(300)},
                                            block::slot_digests(coded, slot))
                           .value()
                           .encode();
    const auto stated = block::certificate_for(coded.statement, epoch.epoch);
    const auto placement = placement::Placement::make(epoch.membership()).value();
    const auto holder = epoch.members[placement.owner(stated.id, slot)].node;
    std::vector<int> others;
    int guilty = -1;
    for (int i = 0; i < kNodes; ++i) {
        if (node(i) == holder)
            guilty = i;
        else
            others.push_back(i);
    }
    ASSERT_TRUE(chain.send(wallet(7), stake(holder, mut(100))).ok());
    const auto bonded = pots(guilty).bonded.wei;
    EXPECT_FALSE(chain.send(wallet(9), prove_bad_row(signed_by(stated, others), proof)).ok());
    EXPECT_FALSE(
        chain.send(wallet(9), prove_bad_row(signed_by(certificate, {guilty}), proof)).ok());
    auto broken = proof;
    broken.back() ^= 1;
    EXPECT_FALSE(chain.send(wallet(9), prove_bad_row(signed_by(stated, {guilty}), broken)).ok());
    EXPECT_EQ(pots(guilty).bonded.wei, bonded);
    const auto call = prove_bad_row(signed_by(stated, {guilty}), proof);
    ASSERT_TRUE(chain.send(wallet(9), call).ok());
    EXPECT_EQ(pots(guilty).bonded.wei, bonded.part(7, 10));
    EXPECT_EQ(chain.send(wallet(9), call).error().kind, ErrorKind::already_exists);
}

}  // namespace
}  // namespace mutirao::ledger
