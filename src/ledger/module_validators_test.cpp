// Validators: votes follow the stake, and voting twice costs it.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "ledger/staking.hpp"
#include "ledger/test_chain.hpp"
#include "ledger/validators.hpp"

namespace mutirao::ledger {
namespace {

Address account(int number) { return wallet(number).address(); }
Amount mut(std::uint64_t whole) { return kOneMut.times(whole).value(); }
crypto::Ed25519Key consensus_key(int number) {
    return crypto::Ed25519Key::from_seed(digest_of("key " + std::to_string(number)).span()).value();
}

crypto::BlsSecretKey bls_key(int number) {
    return crypto::BlsSecretKey::generate(digest_of("bls " + std::to_string(number)).span())
        .value();
}

// Validators 0 and 1 are there from the genesis on, with 200 MUT of wallet 9 each.
class Validators : public ::testing::Test {
  protected:
    Validators() {
        auto genesis = TestChain::genesis();
        for (int i : {0, 1})
            genesis.validators.push_back({account(i), consensus_key(i).public_key, account(9),
                                          mut(200), bls_key(i).public_key(), endpoint(i)});
        chain.ledger = Ledger::begin(genesis).value();
    }
    // One block with these; what consensus is told at its end.
    std::vector<ValidatorUpdate> block(const std::vector<Bytes>& transactions,
                                       const std::vector<ValidatorFault>& faults = {}) {
        chain.time_ms += 100;
        EXPECT_TRUE(
            chain.ledger
                .finalize(chain.ledger.height() + 1, chain.time_ms, transactions, {}, faults)
                .ok());
        auto out = chain.ledger.validator_updates();
        chain.ledger.commit();
        return out;
    }
    std::vector<ValidatorUpdate> send(int from, const Call& call) {
        return block({chain.signed_call(wallet(from), call)});
    }
    static ValidatorUpdate told(int number, std::uint64_t power) {
        return {consensus_key(number).public_key, power};
    }
    static std::string endpoint(int number) { return "v" + std::to_string(number) + ".example:1"; }
    static JoiningValidator joining(int key, int bls) {
        return {consensus_key(key), bls_key(bls), endpoint(bls)};
    }
    static Call joins(int number) {
        return join_validators(joining(number, number), account(number), 8021);
    }
    Amount bonded(int number) const {
        return stake_of(chain.ledger.state(), account(number)).value().bonded.wei;
    }
    using Told = std::vector<ValidatorUpdate>;
    TestChain chain;
};

TEST_F(Validators, of_the_genesis_have_stake_that_counts_in_the_supply) {
    EXPECT_EQ(bonded(0), mut(200));
    EXPECT_EQ(chain.balance(module::staking()), mut(400));
    EXPECT_EQ(chain.record<Validator>(key::validator(account(1))).power, 200u);
    EXPECT_EQ(chain.supply(), mut(16'400));
    // It is its staker's to take out.
    EXPECT_EQ(send(9, unstake(account(0), mut(50))), (Told{told(0, 150)}));
    auto bad = chain.ledger.genesis();
    bad.validators[1].account = account(0);
    EXPECT_FALSE(Ledger::begin(bad).ok());
    bad = chain.ledger.genesis();
    bad.validators[1].bls_key = bad.validators[0].bls_key;
    EXPECT_FALSE(Ledger::begin(bad).ok());
    bad = chain.ledger.genesis();
    bad.validators[0].stake = mut(99);
    EXPECT_FALSE(Ledger::begin(bad).ok());
}

TEST_F(Validators, join_with_stake_and_leave_by_their_word_or_without_it) {
    EXPECT_EQ(chain.send(wallet(2), joins(2)).error().kind, ErrorKind::insufficient_funds);
    ASSERT_TRUE(chain.send(wallet(3), stake(account(2), mut(150))).ok());
    EXPECT_EQ(send(2, joins(2)), (Told{told(2, 150)}));
    EXPECT_EQ(chain.send(wallet(2), joins(2)).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(send(3, stake(account(2), Amount(kOneMut.wei() / 2))), Told{});
    EXPECT_EQ(send(3, stake(account(2), kOneMut)), (Told{told(2, 151)}));
    EXPECT_EQ(send(2, leave_validators()), (Told{told(2, 0)}));
    EXPECT_FALSE(chain.ledger.state().get(key::validator(account(2))).value());
    EXPECT_FALSE(chain.send(wallet(2), leave_validators()).ok());
    EXPECT_EQ(send(2, joins(2)), (Told{told(2, 151)}));
    EXPECT_EQ(send(3, unstake(account(2), mut(52))), (Told{told(2, 0)}));
    EXPECT_EQ(chain.send(wallet(2), joins(2)).error().kind, ErrorKind::insufficient_funds);
}

// Who keeps batches, and where they are called.
TEST_F(Validators, with_votes_are_listed_with_what_makes_them_keepers) {
    ASSERT_TRUE(chain.send(wallet(3), stake(account(2), mut(150))).ok());
    send(2, joins(2));
    send(9, unstake(account(0), mut(200)));
    const auto voting = voting_validators(chain.ledger.state()).value();
    ASSERT_EQ(voting.size(), 2u);
    EXPECT_LT(voting[0].account, voting[1].account);
    for (const auto& one : voting) {
        const int number = one.account == account(1) ? 1 : 2;
        EXPECT_EQ(one.account, account(number));
        EXPECT_EQ(one.bls_key, bls_key(number).public_key());
        EXPECT_EQ(one.endpoint, endpoint(number));
        EXPECT_EQ(one.power, number == 1 ? 200u : 150u);
    }
}

TEST_F(Validators, enter_no_key_that_they_do_not_hold) {
    ASSERT_TRUE(chain.send(wallet(3), stake(account(2), mut(150))).ok());
    const auto refuses = [&](const Call& call) {
        EXPECT_EQ(chain.send(wallet(2), call).error().kind, ErrorKind::permission_denied);
    };
    refuses(join_validators(joining(2, 2), account(3), 8021));  // another account's proof
    refuses(join_validators(joining(2, 2), account(2), 1));     // another chain's
    refuses(join_validators(joining(0, 2), account(2), 8021));  // taken
    refuses(join_validators(joining(2, 0), account(2), 8021));
    auto forged = joins(2);
    const auto possession = bls_key(2).prove_possession();
    const auto at = std::search(forged.data.begin(), forged.data.end(), possession.bytes.begin(),
                                possession.bytes.end());
    const auto other = bls_key(3).prove_possession();
    std::copy(other.bytes.begin(), other.bytes.end(), at);
    refuses(forged);
    EXPECT_TRUE(chain.send(wallet(2), joins(2)).ok());
}

TEST_F(Validators, who_votes_twice_loses_stake_once_a_height_and_never_votes_with_that_key) {
    const ValidatorFault fault{consensus_address(consensus_key(0).public_key), 7};
    const auto supply = chain.supply();
    const auto treasury = chain.balance(module::treasury());
    EXPECT_EQ(block({}, {fault}), (Told{told(0, 0)}));
    EXPECT_EQ(bonded(0), mut(140));
    EXPECT_EQ(chain.balance(module::treasury()), treasury.plus(mut(60)).value());
    EXPECT_EQ(chain.supply(), supply);
    EXPECT_EQ(block({}, {fault}), Told{});
    EXPECT_EQ(bonded(0), mut(140));
    EXPECT_EQ(chain.send(wallet(0), joins(0)).error().kind, ErrorKind::permission_denied);
    const auto fresh = join_validators(joining(10, 0), account(0), 8021);
    EXPECT_EQ(send(0, fresh), (Told{told(10, 140)}));
    // What the old key did before counts all the same, and the new one stays.
    EXPECT_EQ(block({}, {{fault.validator, 6}}), (Told{told(10, 0)}));
    EXPECT_EQ(bonded(0), mut(98));
    // A key that nobody joined with.
    EXPECT_EQ(block({}, {{account(5), 1}}), Told{});
}

TEST_F(Validators, the_last_of_them_stay_whatever_their_stake) {
    EXPECT_EQ(send(9, unstake(account(0), mut(200))), (Told{told(0, 0)}));
    EXPECT_EQ(send(9, unstake(account(1), mut(200))), Told{});
    EXPECT_EQ(chain.record<Validator>(key::validator(account(1))).power, 200u);
    // Until another one is there.
    ASSERT_TRUE(chain.send(wallet(3), stake(account(2), mut(150))).ok());
    EXPECT_EQ(send(2, joins(2)), (Told{told(2, 150), told(1, 0)}));
}

TEST_F(Validators, replicas_agree_and_a_snapshot_goes_on_the_same) {
    auto replica = Ledger::restore(chain.ledger.snapshot()).value();
    const ValidatorFault fault{consensus_address(consensus_key(1).public_key), 3};
    block({}, {fault});
    const auto hash =
        replica.finalize(replica.height() + 1, chain.time_ms, {}, {}, {fault}).value();
    EXPECT_EQ(replica.validator_updates(), (Told{told(1, 0)}));
    replica.commit();
    EXPECT_EQ(hash, chain.ledger.state_hash());
    EXPECT_TRUE(replica.validator_updates().empty());
}

}  // namespace
}  // namespace mutirao::ledger
