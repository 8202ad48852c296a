// Compute: receipts that prove a provider wrong, and disputes.
#include <gtest/gtest.h>

#include "ledger/disputes.hpp"
#include "ledger/staking.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

Amount mut(std::uint64_t whole) { return kOneMut.times(whole).value(); }

// Wallet 2 serves a model of wallet 3 at 1000 wei a token, with a stake of 100 MUT; wallet 5 pays.
class Disputes : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(chain.send(provider, TestNode(2).joins(Role::compute)).ok());
        ASSERT_TRUE(chain.send(wallet(7), stake(provider.address(), mut(100))).ok());
        ASSERT_TRUE(
            chain.send(wallet(3), create_run(digest_of("spec"), {wallet(6).address()}, {})).ok());
        RunOutcome outcome;
        outcome.run = chain.last.created;
        outcome.model_content = digest_of("model");
        outcome.price_per_token = Amount(1000);
        outcome.trainer_tokens = {1};
        ASSERT_TRUE(chain.send(wallet(3), finish_run(outcome)).ok());
        request.model = asset_id(wallet(3).address(), digest_of("model"));
        request.prompt = {1, 2, 3};
        request.max_tokens = 20;
        const auto terms = LicenceTerms{Purpose::infer, {}, 0, kEnd};
        const auto subject = subject_of(provider.address());
        ASSERT_TRUE(chain.send(wallet(3), offer_licence(request.model, subject, terms)).ok());
        ASSERT_TRUE(
            chain.send(provider, accept_licence(licence_id(request.model, subject), {})).ok());
        ASSERT_TRUE(chain.send(provider, offer_model(request.model)).ok());
        ASSERT_TRUE(chain.send(payer, open_key(session.address(), mut(1), kEnd)).ok());
    }
    // Of an honest provider.
    compute::Receipt receipt() const {
        compute::Receipt out;
        out.request = request.digest();
        out.output = digest_of("output");
        out.model = request.model;
        out.output_tokens = 12;
        out.price = {0, 12'000};
        out.sign(provider);
        return out;
    }
    Voucher voucher(std::uint64_t cumulative = 12'000) const {
        Voucher out;
        out.provider = provider.address();
        out.model = request.model;
        out.cumulative = Amount(cumulative);
        out.tokens = 12;
        out.request = request.digest();
        out.output = digest_of("output");
        out.sign(session, 8021);
        return out;
    }
    Amount bonded() const {
        return stake_of(chain.ledger.state(), provider.address()).value().bonded.wei;
    }
    void refuses(const Call& call) {
        EXPECT_FALSE(chain.send(wallet(9), call).ok());
        EXPECT_EQ(bonded(), mut(100));
    }
    static constexpr std::uint64_t kEnd = kStartMs + 30ull * 24 * 3600 * 1000;
    TestChain chain;
    const crypto::AccountKey provider = wallet(2), payer = wallet(5), session = wallet(100);
    compute::InferenceRequest request;
};

TEST_F(Disputes, a_receipt_that_does_not_fit_its_request_slashes_once) {
    auto wrong_model = receipt();
    wrong_model.model = digest_of("a cheaper one");
    auto too_long = receipt();
    too_long.output_tokens = 21;
    auto too_dear = receipt();
    too_dear.price.low = 12'001;
    Amount left = mut(100);
    for (auto* wrong : {&wrong_model, &too_long, &too_dear}) {
        wrong->sign(provider);
        const auto before = chain.balance(wallet(9).address());
        ASSERT_TRUE(chain.send(wallet(9), prove_receipt(*wrong, request)).ok());
        const auto cut = left.part(3, 10);
        left = left.minus(cut).value();
        EXPECT_EQ(bonded(), left);
        EXPECT_EQ(chain.balance(wallet(9).address()),
                  before.plus(cut.part(1, 20)).value().minus(chain.last.fee).value());
        EXPECT_EQ(chain.send(wallet(9), prove_receipt(*wrong, request)).error().kind,
                  ErrorKind::already_exists);
    }
    EXPECT_FALSE(chain.record<NodeRecord>(key::node(provider.address())).active);
}

TEST_F(Disputes, nothing_less_than_a_signed_contradiction_slashes) {
    refuses(prove_receipt(receipt(), request));  // fits
    auto other = request;
    other.seed = 9;
    refuses(prove_receipt(receipt(), other));  // of another request
    auto forged = receipt();
    forged.output_tokens = 21;
    refuses(prove_receipt(forged, request));  // not what was signed
    auto second = receipt();
    refuses(prove_two_answers(second, second));
    second.output = digest_of("another output");
    refuses(prove_two_answers(receipt(), second));
    second.request = other.digest();
    second.sign(provider);
    refuses(prove_two_answers(receipt(), second));
    second = receipt();
    second.output = digest_of("another output");
    second.sign(wallet(8));
    refuses(prove_two_answers(receipt(), second));
}

TEST_F(Disputes, two_answers_to_one_request_slash_once) {
    auto second = receipt();
    second.output = digest_of("another output");
    second.sign(provider);
    ASSERT_TRUE(chain.send(wallet(9), prove_two_answers(receipt(), second)).ok());
    EXPECT_EQ(bonded(), mut(70));
    second.output = digest_of("a third one");
    second.sign(provider);
    EXPECT_EQ(chain.send(wallet(9), prove_two_answers(receipt(), second)).error().kind,
              ErrorKind::already_exists);
}

TEST_F(Disputes, a_provider_that_shows_its_receipt_has_the_deposit) {
    EXPECT_FALSE(chain.send(payer, dispute(voucher())).ok());  // nothing was paid
    ASSERT_TRUE(chain.send(provider, settle(voucher())).ok());
    EXPECT_EQ(chain.send(wallet(9), dispute(voucher())).error().kind, ErrorKind::permission_denied);
    auto free_of_charge = dispute(voucher());
    free_of_charge.value = {};
    EXPECT_FALSE(chain.send(payer, free_of_charge).ok());
    ASSERT_TRUE(chain.send(payer, dispute(voucher())).ok());
    EXPECT_EQ(chain.send(payer, dispute(voucher())).error().kind, ErrorKind::already_exists);
    const auto id = voucher().hash();
    auto wrong = receipt();
    wrong.output = digest_of("another output");
    wrong.sign(provider);
    EXPECT_FALSE(chain.send(wallet(9), answer_dispute(id, wrong)).ok());
    wrong = receipt();
    wrong.output_tokens = 11;
    wrong.price.low = 11'000;
    wrong.sign(provider);
    EXPECT_FALSE(chain.send(wallet(9), answer_dispute(id, wrong)).ok());
    const auto before = chain.balance(provider.address());
    ASSERT_TRUE(chain.send(wallet(9), answer_dispute(id, receipt())).ok());
    EXPECT_EQ(chain.balance(provider.address()), before.plus(kDisputeDeposit).value());
    chain.time_ms += 2 * kDisputeAnswerMs;
    EXPECT_FALSE(chain.send(payer, expire_dispute(provider.address(), id)).ok());
    EXPECT_EQ(bonded(), mut(100));
}

TEST_F(Disputes, a_silent_provider_pays_the_answer_back_from_its_stake) {
    ASSERT_TRUE(chain.send(provider, settle(voucher())).ok());
    ASSERT_TRUE(chain.send(payer, dispute(voucher())).ok());
    const auto id = voucher().hash();
    EXPECT_FALSE(chain.send(payer, expire_dispute(provider.address(), id)).ok());
    chain.time_ms += kDisputeAnswerMs;
    const auto before = chain.balance(payer.address());
    ASSERT_TRUE(chain.send(wallet(9), expire_dispute(provider.address(), id)).ok());
    EXPECT_EQ(chain.balance(payer.address()),
              before.plus(kDisputeDeposit).value().plus(Amount(12'000)).value());
    EXPECT_EQ(bonded(), mut(70));
    EXPECT_FALSE(chain.send(wallet(9), answer_dispute(id, receipt())).ok());
}

TEST_F(Disputes, only_the_last_payment_of_a_day_is_disputed) {
    ASSERT_TRUE(chain.send(provider, settle(voucher(12'000))).ok());
    ASSERT_TRUE(chain.send(provider, settle(voucher(24'000))).ok());
    EXPECT_FALSE(chain.send(payer, dispute(voucher(12'000))).ok());
    chain.time_ms += kDisputeWithinMs + 1000;
    EXPECT_FALSE(chain.send(payer, dispute(voucher(24'000))).ok());
}

}  // namespace
}  // namespace mutirao::ledger
