// Rights and Training: assets, licences, runs and what they pay.
#include <gtest/gtest.h>

#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint64_t kExpires = kStartMs + 1'000'000;

class Rights : public ::testing::Test {
  protected:
    void SetUp() override {
        for (int i = 0; i < 2; ++i)
            ASSERT_TRUE(chain.send(owner(i), register_data(content(i), 1000, "dados")).ok());
        ASSERT_TRUE(chain
                        .send(builder, create_run(digest_of("spec"),
                                                  {wallet(4).address(), wallet(5).address()},
                                                  kOneMut.times(10).value()))
                        .ok());
        run = chain.last.created;
    }
    static crypto::AccountKey owner(int i) { return wallet(i); }
    static Digest content(int i) { return digest_of("content " + std::to_string(i)); }
    static Digest asset(int i) { return asset_id(owner(i).address(), content(i)); }
    Digest licence(int i) const { return licence_id(asset(i), run); }
    static LicenceTerms terms(std::uint32_t share_ppm = 100'000) {
        return {Purpose::train, kOneMut, share_ppm, kExpires};
    }
    Status offer(int i, const LicenceTerms& terms) {
        return chain.send(owner(i), offer_licence(asset(i), run, terms));
    }
    Status accept(int i) { return chain.send(builder, accept_licence(licence(i), kOneMut)); }
    void license(int i, std::uint32_t share_ppm = 100'000) {
        ASSERT_TRUE(offer(i, terms(share_ppm)).ok());
        ASSERT_TRUE(accept(i).ok());
    }
    RunOutcome outcome(const std::vector<int>& assets) const {
        RunOutcome out;
        out.run = run;
        out.model_content = digest_of("model");
        out.model_size = 77;
        out.title = "modelo";
        out.price_per_token = Amount(1000);
        for (const int i : assets) out.assets.push_back({asset(i), 50});
        out.trainer_tokens = {300, 100};
        out.rounds = 30;
        out.first_loss_milli = 5545;
        out.last_loss_milli = 2600;
        return out;
    }
    Asset model() const {
        return chain.record<Asset>(key::asset(asset_id(builder.address(), digest_of("model"))));
    }

    TestChain chain;
    const crypto::AccountKey builder = wallet(3);
    Digest run;
};

TEST_F(Rights, data_is_registered_once_by_each_owner) {
    const auto record = chain.record<Asset>(key::asset(asset(0)));
    EXPECT_EQ(record.owner, owner(0).address());
    EXPECT_EQ(record.content, content(0));
    EXPECT_EQ(record.kind, AssetKind::data);
    EXPECT_EQ(chain.send(owner(0), register_data(content(0), 1, "x")).error().kind,
              ErrorKind::already_exists);
    EXPECT_TRUE(chain.send(owner(1), register_data(content(0), 1, "x")).ok());
    EXPECT_FALSE(
        chain.send(owner(1), register_data(digest_of("t"), 1, std::string(257, 'x'))).ok());
    EXPECT_FALSE(chain.send(owner(1), register_data(digest_of("t"), 1, "\xff")).ok());
}

TEST_F(Rights, a_licence_is_the_owners_to_offer) {
    EXPECT_EQ(chain.send(owner(1), offer_licence(asset(0), run, terms())).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(chain.send(owner(0), offer_licence(digest_of("?"), run, terms())).error().kind,
              ErrorKind::not_found);
    EXPECT_EQ(chain.send(owner(0), offer_licence(asset(0), digest_of("?"), terms())).error().kind,
              ErrorKind::not_found);
    auto bad = terms(900'001);
    EXPECT_FALSE(offer(0, bad).ok());
    bad = terms();
    bad.expires_ms = chain.time_ms;
    EXPECT_FALSE(offer(0, bad).ok());
    bad = terms();
    bad.purpose = Purpose::none;
    EXPECT_FALSE(offer(0, bad).ok());
    bad.purpose = Purpose::infer;  // which has no share
    EXPECT_FALSE(offer(0, bad).ok());
    EXPECT_TRUE(offer(0, terms()).ok());
}

TEST_F(Rights, acceptance_pays_the_owner_the_exact_price) {
    ASSERT_TRUE(offer(0, terms()).ok());
    const auto call = accept_licence(licence(0), kOneMut);
    EXPECT_EQ(chain.send(wallet(7), call).error().kind, ErrorKind::permission_denied);
    EXPECT_FALSE(chain.send(builder, accept_licence(licence(0), Amount(1))).ok());
    const auto before = chain.balance(owner(0).address());
    ASSERT_TRUE(chain.send(builder, call).ok());
    EXPECT_EQ(chain.balance(owner(0).address()), before.plus(kOneMut).value());
    EXPECT_EQ(chain.received(owner(0).address(), Reason::licence), kOneMut);
    EXPECT_EQ(chain.balance(module::rights()), Amount());
    EXPECT_FALSE(chain.send(builder, call).ok());  // accepted already
    EXPECT_EQ(offer(0, terms()).error().kind, ErrorKind::already_exists);
}

TEST_F(Rights, a_licence_lives_while_accepted_unrevoked_and_unexpired) {
    ASSERT_TRUE(offer(0, terms()).ok());
    const auto stored = [&] { return chain.record<Licence>(key::licence(licence(0))); };
    EXPECT_FALSE(stored().is_live(chain.time_ms));
    ASSERT_TRUE(accept(0).ok());
    EXPECT_TRUE(stored().is_live(kExpires - 1));
    EXPECT_FALSE(stored().is_live(kExpires));
    EXPECT_EQ(chain.send(builder, revoke_licence(licence(0))).error().kind,
              ErrorKind::permission_denied);
    ASSERT_TRUE(chain.send(owner(0), revoke_licence(licence(0))).ok());
    EXPECT_FALSE(stored().is_live(chain.time_ms));
    EXPECT_EQ(chain.send(owner(0), revoke_licence(licence(0))).error().kind,
              ErrorKind::already_exists);
}

TEST_F(Rights, an_expired_offer_is_not_accepted) {
    ASSERT_TRUE(offer(0, terms()).ok());
    chain.time_ms = kExpires;
    EXPECT_FALSE(accept(0).ok());
}

TEST_F(Rights, a_run_promises_its_owners_at_most_ninety_per_cent) {
    license(0, 500'000);
    ASSERT_TRUE(offer(1, terms(400'001)).ok());
    EXPECT_FALSE(accept(1).ok());
    ASSERT_TRUE(offer(1, terms(400'000)).ok());
    EXPECT_TRUE(accept(1).ok());
}

TEST_F(Rights, a_run_needs_trainers_that_differ) {
    const auto a = wallet(4).address();
    EXPECT_FALSE(chain.send(builder, create_run(digest_of("s"), {}, kOneMut)).ok());
    EXPECT_FALSE(chain.send(builder, create_run(digest_of("s"), {a, a}, kOneMut)).ok());
    ASSERT_TRUE(chain.send(builder, create_run(digest_of("s"), {a}, kOneMut)).ok());
    EXPECT_EQ(
        chain.last.created,
        run_id(builder.address(), chain.account(builder.address()).nonce - 1, digest_of("s")));
    EXPECT_EQ(chain.record<ledger::Run>(key::run(chain.last.created)).reward, kOneMut);
}

TEST_F(Rights, finishing_pays_trainers_by_tokens_and_registers_the_model) {
    license(0, 300'000);
    license(1, 200'000);
    ASSERT_EQ(chain.balance(module::training()), kOneMut.times(10).value());
    ASSERT_TRUE(chain.send(builder, finish_run(outcome({0, 1}))).ok());
    EXPECT_EQ(chain.received(wallet(4).address(), Reason::training_reward),
              kOneMut.times(10).value().part(3, 4));
    EXPECT_EQ(chain.received(wallet(5).address(), Reason::training_reward),
              kOneMut.times(10).value().part(1, 4));
    EXPECT_EQ(chain.balance(module::training()), Amount());
    const auto registered = model();
    EXPECT_EQ(registered.owner, builder.address());
    EXPECT_EQ(registered.kind, AssetKind::model);
    EXPECT_EQ(registered.run, run);
    EXPECT_EQ(registered.price_per_token, Amount(1000));
    std::map<Address, std::uint32_t> shares;
    for (const auto& share : registered.shares) shares[share.owner] += share.ppm;
    EXPECT_EQ(shares[owner(0).address()], 300'000u);
    EXPECT_EQ(shares[owner(1).address()], 200'000u);
    EXPECT_EQ(shares[builder.address()], 500'000u);
    EXPECT_TRUE(registered.shares.back().asset.is_zero());
    const auto finished = chain.record<ledger::Run>(key::run(run));
    EXPECT_EQ(finished.state, RunState::finished);
    EXPECT_EQ(finished.model, registered.id);
    EXPECT_EQ(finished.rounds, 30u);
    ASSERT_EQ(finished.tokens.size(), 2u);
    EXPECT_EQ(finished.tokens[1].tokens, 50u);
    EXPECT_EQ(chain.send(builder, finish_run(outcome({0, 1}))).error().kind,
              ErrorKind::already_exists);
    // A run that is over accepts no more licences.
    EXPECT_TRUE(chain.send(owner(0), register_data(digest_of("late"), 1, "late")).ok());
    const auto late = asset_id(owner(0).address(), digest_of("late"));
    EXPECT_TRUE(chain.send(owner(0), offer_licence(late, run, terms())).ok());
    EXPECT_FALSE(chain.send(builder, accept_licence(licence_id(late, run), kOneMut)).ok());
}

TEST_F(Rights, a_reward_nobody_earned_goes_back) {
    auto idle = outcome({});
    idle.trainer_tokens = {0, 0};
    ASSERT_TRUE(chain.send(builder, finish_run(idle)).ok());
    EXPECT_EQ(chain.received(builder.address(), Reason::refund), kOneMut.times(10).value());
}

TEST_F(Rights, finishing_refuses_what_does_not_fit_the_run) {
    license(0);
    EXPECT_EQ(chain.send(wallet(7), finish_run(outcome({0}))).error().kind,
              ErrorKind::permission_denied);
    auto bad = outcome({0});
    bad.trainer_tokens.pop_back();
    EXPECT_FALSE(chain.send(builder, finish_run(bad)).ok());
    bad = outcome({0});
    bad.trainer_tokens = {~std::uint64_t{0}, 1};
    EXPECT_FALSE(chain.send(builder, finish_run(bad)).ok());
    bad = outcome({0, 0});
    EXPECT_FALSE(chain.send(builder, finish_run(bad)).ok());
    bad = outcome({0, 1});  // asset 1 was never offered
    EXPECT_EQ(chain.send(builder, finish_run(bad)).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(offer(1, terms()).ok());
    EXPECT_EQ(chain.send(builder, finish_run(bad)).error().kind, ErrorKind::permission_denied);
    ASSERT_TRUE(chain.send(owner(1), revoke_licence(licence(1))).ok());
    EXPECT_EQ(chain.send(builder, finish_run(bad)).error().kind, ErrorKind::permission_denied);
    bad = outcome({0});
    bad.title.assign(257, 'x');
    EXPECT_FALSE(chain.send(builder, finish_run(bad)).ok());
    EXPECT_TRUE(chain.send(builder, finish_run(outcome({0}))).ok());
}

TEST_F(Rights, a_revoked_licence_keeps_its_share_only_of_what_was_used) {
    license(0, 300'000);
    license(1, 200'000);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(chain.send(owner(i), revoke_licence(licence(i))).ok());
    ASSERT_TRUE(chain.send(builder, finish_run(outcome({0}))).ok());
    const auto shares = model().shares;
    ASSERT_EQ(shares.size(), 2u);
    EXPECT_EQ(shares[0].owner, owner(0).address());
    EXPECT_EQ(shares[0].ppm, 300'000u);
    EXPECT_EQ(shares[1].owner, builder.address());
    EXPECT_EQ(shares[1].ppm, 700'000u);
}

// Else a second, empty run with the same model would take the owners' income.
TEST_F(Rights, a_model_is_registered_once) {
    license(0, 900'000);
    ASSERT_TRUE(chain.send(builder, finish_run(outcome({0}))).ok());
    const auto before = encode_record(model());
    ASSERT_TRUE(chain.send(builder, create_run(digest_of("spec"), {wallet(4).address()}, {})).ok());
    auto again = outcome({});
    again.run = chain.last.created;
    again.trainer_tokens = {1};
    EXPECT_EQ(chain.send(builder, finish_run(again)).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(encode_record(model()), before);
}

// A new offer after expiry would wipe what the run was trained under.
TEST_F(Rights, what_a_run_accepted_stays_on_record_after_expiry) {
    license(0, 300'000);
    chain.time_ms = kExpires + 1;
    auto later = terms();
    later.expires_ms = kExpires * 2;
    EXPECT_EQ(offer(0, later).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(chain.send(builder, finish_run(outcome({0}))).ok());
    EXPECT_EQ(model().shares.front().ppm, 300'000u);
}

// Offers are free for strangers; they must not crowd out the licences that count.
TEST_F(Rights, offers_that_nobody_accepted_change_no_share) {
    license(0, 300'000);
    std::vector<Bytes> raw;
    const auto stranger = wallet(8);
    for (std::uint64_t i = 0; i < 1200; ++i) {
        const auto mine = digest_of("spam " + std::to_string(i));
        raw.push_back(chain.signed_call(stranger, register_data(mine, 1, ""), 2 * i));
        raw.push_back(chain.signed_call(
            stranger, offer_licence(asset_id(stranger.address(), mine), run, terms()), 2 * i + 1));
    }
    chain.block(raw);
    const auto offers = chain.ledger.state().scan(key::run_licences(run), {}, 5000).value();
    ASSERT_EQ(offers.size(), 1201u);
    ASSERT_TRUE(chain.send(builder, finish_run(outcome({0}))).ok());
    EXPECT_EQ(model().shares.size(), 2u);
    EXPECT_EQ(model().shares[0].ppm, 300'000u);
}

TEST_F(Rights, rounds_count_once_most_trainers_told_the_same) {
    const auto told = [&](int trainer) {
        return read<TrainerRounds>(chain.ledger.state(),
                                   key::trainer_rounds(run, wallet(trainer).address()))
            .value()
            .value_or(TrainerRounds{});
    };
    const auto good = digest_of("good"), bad = digest_of("bad");
    ASSERT_TRUE(chain.send(builder, add_trainer(run, wallet(6).address())).ok());
    ASSERT_TRUE(chain.send(wallet(4), report_round(run, 0, good)).ok());
    ASSERT_TRUE(chain.send(wallet(5), report_round(run, 0, bad)).ok());
    EXPECT_EQ(told(4).agreed + told(5).agreed, 0u);
    ASSERT_TRUE(chain.send(wallet(6), report_round(run, 0, good)).ok());
    EXPECT_EQ(told(4).agreed, 1u);
    EXPECT_EQ(told(5).agreed, 0u);
    EXPECT_EQ(told(6).agreed, 1u);
    // One word a round, and none that comes late.
    EXPECT_EQ(chain.send(wallet(5), report_round(run, 0, good)).error().kind,
              ErrorKind::already_exists);
    for (int i : {5, 6, 4}) ASSERT_TRUE(chain.send(wallet(i), report_round(run, 7, good)).ok());
    EXPECT_EQ(told(4).agreed, 2u);
    EXPECT_EQ(told(5).agreed, 1u);
    EXPECT_EQ(told(6).agreed, 2u);
    EXPECT_EQ(told(6).next, 8u);
    EXPECT_EQ(chain.send(wallet(4), report_round(run, 3, good)).error().kind,
              ErrorKind::already_exists);
    EXPECT_EQ(chain.send(wallet(8), report_round(run, 9, good)).error().kind,
              ErrorKind::permission_denied);
    EXPECT_FALSE(chain.send(wallet(4), report_round(run, 1'000'000, good)).ok());
    EXPECT_EQ(chain.send(wallet(4), report_round(good, 9, good)).error().kind,
              ErrorKind::not_found);
}

TEST_F(Rights, half_of_the_reward_follows_the_agreed_rounds) {
    for (std::uint32_t round = 0; round < 3; ++round)
        for (int i : {4, 5})
            ASSERT_TRUE(chain.send(wallet(i), report_round(run, round, digest_of("s"))).ok());
    // The builder says that trainer 5 did nothing.
    auto unjust = outcome({});
    unjust.trainer_tokens = {7, 0};
    ASSERT_TRUE(chain.send(builder, finish_run(unjust)).ok());
    EXPECT_EQ(chain.received(wallet(4).address(), Reason::training_reward),
              kOneMut.times(15).value().part(1, 2));
    EXPECT_EQ(chain.received(wallet(5).address(), Reason::training_reward),
              kOneMut.times(5).value().part(1, 2));
    EXPECT_EQ(chain.balance(module::training()), Amount());
    EXPECT_EQ(chain.send(wallet(4), report_round(run, 3, digest_of("s"))).error().kind,
              ErrorKind::already_exists);
}

TEST_F(Rights, a_run_that_nobody_finishes_is_closed_after_its_time) {
    EXPECT_FALSE(chain.send(wallet(4), close_run(run)).ok());
    for (int i : {4, 5})
        ASSERT_TRUE(chain.send(wallet(i), report_round(run, 0, digest_of("s"))).ok());
    ASSERT_TRUE(
        chain.send(builder, create_run(digest_of("x"), {wallet(4).address()}, kOneMut)).ok());
    const auto unworked = chain.last.created;
    chain.time_ms += kRunLifeMs;
    ASSERT_TRUE(chain.send(wallet(4), close_run(run)).ok());
    EXPECT_EQ(chain.received(wallet(5).address(), Reason::training_reward),
              kOneMut.times(5).value());
    EXPECT_EQ(chain.record<ledger::Run>(key::run(run)).state, RunState::closed);
    EXPECT_EQ(chain.send(wallet(4), close_run(run)).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(chain.send(builder, finish_run(outcome({}))).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(chain.send(wallet(9), close_run(unworked)).ok());
    EXPECT_EQ(chain.received(builder.address(), Reason::refund), kOneMut);
    EXPECT_EQ(chain.balance(module::training()), Amount());
}

TEST_F(Rights, only_the_builder_adds_trainers_and_each_once) {
    EXPECT_EQ(chain.send(wallet(4), add_trainer(run, wallet(6).address())).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(chain.send(builder, add_trainer(run, wallet(4).address())).error().kind,
              ErrorKind::already_exists);
    ASSERT_TRUE(chain.send(builder, add_trainer(run, wallet(6).address())).ok());
    EXPECT_FALSE(chain.send(builder, finish_run(outcome({}))).ok());  // tokens of two trainers
    auto three = outcome({});
    three.trainer_tokens = {1, 1, 2};
    ASSERT_TRUE(chain.send(builder, finish_run(three)).ok());
    EXPECT_EQ(chain.received(wallet(6).address(), Reason::training_reward),
              kOneMut.times(5).value());
    EXPECT_EQ(chain.send(builder, add_trainer(run, wallet(7).address())).error().kind,
              ErrorKind::already_exists);
}

}  // namespace
}  // namespace mutirao::ledger
