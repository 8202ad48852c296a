// Training: what trainers agree that each asset contributed, and the pool that owners divide by it.
#include <algorithm>
#include <gtest/gtest.h>

#include "ledger/contributions.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

// Wallets 0 to 2 own an asset each; 3 builds; 4 to 6 train.
class Contributions : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(chain
                        .send(builder, create_run(digest_of("spec"),
                                                  {wallet(4).address(), wallet(5).address(),
                                                   wallet(6).address()},
                                                  {}))
                        .ok());
        run = chain.last.created;
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(chain.send(wallet(i), register_data(digest_of("data"), 9, "")).ok());
            const LicenceTerms terms{
                Purpose::train, {}, i == 0 ? 100'000u : 0u, kStartMs + 1'000'000'000};
            ASSERT_TRUE(chain.send(wallet(i), offer_licence(asset(i), run, terms)).ok());
            if (i == 2) continue;  // not accepted
            const auto accepted = accept_licence(licence_id(asset(i), run), {});
            ASSERT_TRUE(chain.send(builder, accepted).ok());
        }
    }
    static Digest asset(int i) { return asset_id(wallet(i).address(), digest_of("data")); }
    static std::vector<AssetWeight> weights(std::uint32_t first, std::uint32_t second) {
        std::vector<AssetWeight> out{{asset(0), first}, {asset(1), second}};
        std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.asset < b.asset; });
        return out;
    }
    Status report(int trainer, std::uint32_t round, const std::vector<AssetWeight>& weights) {
        return chain.send(wallet(trainer),
                          report_contributions(run, round, digest_of("result"), weights));
    }
    std::uint64_t weight_of(int i) const {
        const auto found =
            read<Contribution>(chain.ledger.state(), key::contribution(run, asset(i))).value();
        return found ? found->weight : 0;
    }
    void finish() {
        RunOutcome outcome;
        outcome.run = run;
        outcome.model_content = digest_of("model");
        outcome.trainer_tokens = {1, 1, 1};
        ASSERT_TRUE(chain.send(builder, finish_run(outcome)).ok());
    }
    TestChain chain;
    const crypto::AccountKey builder = wallet(3);
    Digest run;
};

TEST_F(Contributions, count_once_most_trainers_told_the_same) {
    ASSERT_TRUE(report(4, 0, weights(700'000, 300'000)).ok());
    EXPECT_EQ(weight_of(0), 0u);
    ASSERT_TRUE(report(5, 0, weights(700'001, 299'999)).ok());  // another word
    EXPECT_EQ(weight_of(0), 0u);
    ASSERT_TRUE(report(6, 0, weights(700'000, 300'000)).ok());
    EXPECT_EQ(weight_of(0), 700'000u);
    EXPECT_EQ(weight_of(1), 300'000u);
    for (int trainer : {4, 5, 6}) ASSERT_TRUE(report(trainer, 1, weights(100'000, 0)).ok());
    EXPECT_EQ(weight_of(0), 800'000u);  // the third adds nothing
    EXPECT_EQ(chain.record<ContributionPool>(key::contribution_pool(run)).total, 1'100'000u);
    EXPECT_EQ(chain.record<TrainerRounds>(key::trainer_rounds(run, wallet(4).address())).agreed,
              2u);
    EXPECT_EQ(report(4, 1, weights(1, 1)).error().kind, ErrorKind::already_exists);
}

TEST_F(Contributions, refuse_weights_that_are_not_the_runs) {
    EXPECT_FALSE(report(4, 0, weights(1'000'000, 1)).ok());
    EXPECT_FALSE(report(4, 0, weights(1'000'001, 0)).ok());
    auto wrong_order = weights(1, 1);
    std::swap(wrong_order[0], wrong_order[1]);
    EXPECT_FALSE(report(4, 0, wrong_order).ok());
    EXPECT_FALSE(report(4, 0, {{asset(0), 1}, {asset(0), 1}}).ok());
    EXPECT_EQ(report(4, 0, {{asset(2), 1}}).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(report(4, 0, {{digest_of("?"), 1}}).error().kind, ErrorKind::not_found);
    EXPECT_EQ(report(7, 0, weights(1, 1)).error().kind, ErrorKind::permission_denied);
    EXPECT_TRUE(report(4, 0, {}).ok());
}

TEST_F(Contributions, divide_money_and_income_beside_what_licences_promise) {
    EXPECT_EQ(chain.send(wallet(4), fund_contributors(run, 1, {})).error().kind,
              ErrorKind::permission_denied);
    EXPECT_FALSE(chain.send(builder, fund_contributors(run, 800'001, {})).ok());
    ASSERT_TRUE(chain.send(builder, fund_contributors(run, 300'000, kOneMut)).ok());
    ASSERT_TRUE(chain.send(builder, fund_contributors(run, 100'000, kOneMut)).ok());
    for (int trainer : {4, 5}) ASSERT_TRUE(report(trainer, 0, weights(250'000, 750'000)).ok());
    finish();
    const auto two = kOneMut.times(2).value();
    EXPECT_EQ(chain.received(wallet(0).address(), Reason::contribution), two.part(1, 4));
    EXPECT_EQ(chain.received(wallet(1).address(), Reason::contribution), two.part(3, 4));
    EXPECT_EQ(chain.balance(module::training()), Amount());
    const auto model =
        chain.record<Asset>(key::asset(asset_id(builder.address(), digest_of("model"))));
    std::map<Address, std::uint32_t> ppm;
    for (const auto& share : model.shares) ppm[share.owner] += share.ppm;
    ASSERT_EQ(model.shares.size(), 3u);
    EXPECT_EQ(ppm[wallet(0).address()], 100'000u + 100'000u);  // by licence, by contribution
    EXPECT_EQ(ppm[wallet(1).address()], 300'000u);
    EXPECT_EQ(ppm[builder.address()], 500'000u);
    EXPECT_TRUE(model.shares.back().asset.is_zero());
}

TEST_F(Contributions, without_any_the_pool_is_the_builders) {
    ASSERT_TRUE(chain.send(builder, fund_contributors(run, 300'000, kOneMut)).ok());
    finish();
    EXPECT_EQ(chain.received(builder.address(), Reason::refund), kOneMut);
    const auto model =
        chain.record<Asset>(key::asset(asset_id(builder.address(), digest_of("model"))));
    EXPECT_EQ(model.shares.back().ppm, 900'000u);
}

TEST_F(Contributions, are_paid_when_the_builder_never_finishes) {
    ASSERT_TRUE(chain.send(builder, fund_contributors(run, 0, kOneMut)).ok());
    for (int trainer : {4, 5}) ASSERT_TRUE(report(trainer, 0, weights(0, 10)).ok());
    chain.time_ms += kRunLifeMs;
    ASSERT_TRUE(chain.send(wallet(9), close_run(run)).ok());
    EXPECT_EQ(chain.received(wallet(1).address(), Reason::contribution), kOneMut);
    EXPECT_FALSE(chain.send(builder, fund_contributors(run, 1, {})).ok());
    EXPECT_EQ(chain.balance(module::training()), Amount());
}

}  // namespace
}  // namespace mutirao::ledger
