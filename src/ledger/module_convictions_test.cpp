// Training: accusations of made-up rounds, when they convict, and what a conviction costs.
#include <gtest/gtest.h>

#include "ledger/convictions.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

constexpr u128 kReward = 900'000;

// Wallet 3 builds; 4 to 7 train, as many as asked for.
class Convictions : public ::testing::Test {
  protected:
    void open(int trainers) {
        std::vector<Address> who;
        for (int i = 0; i < trainers; ++i) who.push_back(wallet(4 + i).address());
        ASSERT_TRUE(chain.send(builder, create_run(digest_of("spec"), who, Amount(kReward))).ok());
        run = chain.last.created;
    }
    Status accuse(int who, int whom, std::uint32_t round = 7) {
        return chain.send(wallet(who), accuse_trainer(run, wallet(whom).address(), round));
    }
    Conviction of(int trainer) const {
        return read<Conviction>(chain.ledger.state(),
                                key::conviction(run, wallet(trainer).address()))
            .value()
            .value_or(Conviction{});
    }
    std::vector<u128> rewards(int trainers) {
        RunOutcome outcome;
        outcome.run = run;
        outcome.model_content = digest_of("model");
        outcome.trainer_tokens.assign(static_cast<std::size_t>(trainers), 1);
        std::vector<u128> before, out;
        const auto balance = [&](int i) { return chain.balance(wallet(4 + i).address()).wei(); };
        for (int i = 0; i < trainers; ++i) before.push_back(balance(i));
        EXPECT_TRUE(chain.send(builder, finish_run(outcome)).ok());
        for (int i = 0; i < trainers; ++i)
            out.push_back(balance(i) - before[static_cast<std::size_t>(i)]);
        return out;
    }
    int told() {
        int count = 0;
        for (const auto& event : chain.events())
            count += event.kind == EventKind::trainer_convicted ? 1 : 0;
        return count;
    }
    TestChain chain;
    const crypto::AccountKey builder = wallet(3);
    Digest run;
};

TEST_F(Convictions, more_than_half_of_the_others_convict_and_take_the_reward) {
    open(4);
    ASSERT_TRUE(accuse(4, 7, 3).ok());
    EXPECT_FALSE(of(7).stands());
    EXPECT_EQ(accuse(4, 7).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(accuse(5, 7, 9).ok());
    EXPECT_TRUE(of(7).by_trainers);
    EXPECT_FALSE(of(7).by_builder);
    EXPECT_EQ(of(7).round, 3u);
    EXPECT_EQ(told(), 1);
    ASSERT_TRUE(accuse(6, 7).ok());  // one more says it; it is no news
    EXPECT_EQ(told(), 1);
    EXPECT_EQ(of(7).accusers.size(), 3u);
    const auto paid = rewards(4);
    EXPECT_EQ(paid[3], u128{0});
    EXPECT_EQ(paid[0], kReward / 3);
    EXPECT_EQ(paid[0], paid[2]);
}

TEST_F(Convictions, of_two_trainers_neither_can_rob_the_other) {
    open(2);
    ASSERT_TRUE(accuse(4, 5).ok());
    EXPECT_FALSE(of(5).stands());
    const auto paid = rewards(2);
    EXPECT_EQ(paid[0], kReward / 2);
    EXPECT_EQ(paid[1], kReward / 2);
}

TEST_F(Convictions, the_builders_word_is_recorded_and_costs_no_reward) {
    open(3);
    ASSERT_TRUE(accuse(3, 5).ok());
    EXPECT_TRUE(of(5).by_builder);
    EXPECT_TRUE(of(5).stands());
    EXPECT_FALSE(of(5).by_trainers);
    EXPECT_EQ(told(), 1);
    EXPECT_EQ(accuse(3, 5).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(rewards(3)[1], kReward / 3);
}

TEST_F(Convictions, only_of_trainers_of_an_open_run_and_by_those_who_may) {
    open(3);
    EXPECT_EQ(accuse(7, 4).error().kind, ErrorKind::permission_denied);  // not of this run
    EXPECT_FALSE(accuse(4, 7).ok());
    EXPECT_FALSE(accuse(4, 4).ok());
    EXPECT_EQ(rewards(3)[0], kReward / 3);
    EXPECT_EQ(accuse(4, 5).error().kind, ErrorKind::already_exists);  // it is over
}

}  // namespace
}  // namespace mutirao::ledger
