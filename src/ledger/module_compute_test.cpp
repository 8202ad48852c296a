// Compute: offers, session keys, vouchers, and the split of what they pay.
#include <gtest/gtest.h>

#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

class Compute : public ::testing::Test {
  protected:
    void SetUp() override {
        // Two storage nodes of weights 1 and 3, a compute node, a model with one owner's share.
        for (int i : {0, 1})
            ASSERT_TRUE(
                chain.send(TestNode(i).key, TestNode(i).joins(Role::storage, i == 0 ? 1 : 3)).ok());
        ASSERT_TRUE(chain.send(provider, TestNode(2).joins(Role::compute)).ok());
        ASSERT_TRUE(chain.send(owner, register_data(digest_of("data"), 1, "dados")).ok());
        ASSERT_TRUE(
            chain.send(builder, create_run(digest_of("spec"), {wallet(6).address()}, {})).ok());
        RunOutcome outcome;
        outcome.run = chain.last.created;
        const auto asset = asset_id(owner.address(), digest_of("data"));
        ASSERT_TRUE(
            chain
                .send(owner, offer_licence(asset, outcome.run, {Purpose::train, {}, 250'000, kEnd}))
                .ok());
        ASSERT_TRUE(chain.send(builder, accept_licence(licence_id(asset, outcome.run), {})).ok());
        outcome.model_content = digest_of("model");
        outcome.assets = {{asset, 9}};
        outcome.trainer_tokens = {1};
        ASSERT_TRUE(chain.send(builder, finish_run(outcome)).ok());
        model = asset_id(builder.address(), digest_of("model"));
    }
    void license_provider() {
        ASSERT_TRUE(chain
                        .send(builder, offer_licence(model, subject_of(provider.address()),
                                                     {Purpose::infer, kOneMut, 0, kEnd}))
                        .ok());
        const auto id = licence_id(model, subject_of(provider.address()));
        ASSERT_TRUE(chain.send(provider, accept_licence(id, kOneMut)).ok());
    }
    void open_for_business() {
        license_provider();
        ASSERT_TRUE(chain.send(provider, offer_model(model)).ok());
        ASSERT_TRUE(
            chain.send(payer, open_key(session.address(), kOneMut.times(10).value(), kEnd)).ok());
    }
    Voucher voucher(Amount cumulative) const {
        Voucher out;
        out.provider = provider.address();
        out.model = model;
        out.cumulative = cumulative;
        out.tokens = 12;
        out.request = digest_of("request");
        out.output = digest_of("output");
        out.sign(session, 8021);
        return out;
    }
    ApiKey opened() const { return chain.record<ApiKey>(key::api_key(session.address())); }

    static constexpr std::uint64_t kEnd = kStartMs + 1'000'000;
    TestChain chain;
    const crypto::AccountKey provider = wallet(2), owner = wallet(3), builder = wallet(4),
                             payer = wallet(5), session = wallet(50);
    Digest model;
};

TEST_F(Compute, a_model_is_offered_by_a_licensed_compute_node) {
    EXPECT_EQ(chain.send(provider, offer_model(model)).error().kind, ErrorKind::not_found);
    license_provider();
    EXPECT_TRUE(chain.send(provider, offer_model(model)).ok());
    EXPECT_EQ(chain.record<Provider>(key::provider(model, provider.address())).model, model);
    EXPECT_EQ(chain.send(payer, offer_model(model)).error().kind, ErrorKind::not_found);
    EXPECT_EQ(chain.send(TestNode(0).key, offer_model(model)).error().kind,
              ErrorKind::permission_denied);  // a storage node
    EXPECT_FALSE(
        chain.send(provider, offer_model(asset_id(owner.address(), digest_of("data")))).ok());
    EXPECT_EQ(chain.send(provider, offer_model(digest_of("?"))).error().kind, ErrorKind::not_found);
    // The model's owner needs no licence.
    ASSERT_TRUE(chain.send(builder, TestNode(4).joins(Role::compute)).ok());
    EXPECT_TRUE(chain.send(builder, offer_model(model)).ok());
}

TEST_F(Compute, a_revoked_licence_to_infer_ends_offering) {
    license_provider();
    const auto id = licence_id(model, subject_of(provider.address()));
    ASSERT_TRUE(chain.send(builder, revoke_licence(id)).ok());
    EXPECT_EQ(chain.send(provider, offer_model(model)).error().kind, ErrorKind::permission_denied);
}

TEST_F(Compute, a_voucher_pays_every_side_its_part) {
    open_for_business();
    const auto before = chain.supply();
    // An odd amount: what rounding leaves goes to the builder and the treasury, and nothing is
    // lost.
    const Amount paid(1'000'000'007);
    const auto treasury = chain.balance(module::treasury());
    ASSERT_TRUE(chain.send(provider, settle(voucher(paid))).ok());
    const auto storage = paid.part(5, 100), compute = paid.part(30, 100);
    const auto rest = paid.minus(storage).value().minus(compute).value();
    EXPECT_EQ(chain.received(provider.address(), Reason::inference_compute), compute);
    const auto light = storage.part(1, 4), heavy = storage.part(3, 4);
    EXPECT_EQ(chain.received(wallet(0).address(), Reason::inference_storage), light);
    EXPECT_EQ(chain.received(wallet(1).address(), Reason::inference_storage), heavy);
    EXPECT_EQ(chain.received(owner.address(), Reason::inference_data), rest.part(1, 4));
    EXPECT_EQ(chain.received(builder.address(), Reason::inference_builder),
              rest.minus(rest.part(1, 4)).value());
    EXPECT_EQ(chain.balance(module::treasury()),
              treasury.plus(chain.last.fee)
                  .value()
                  .plus(storage.minus(light).value().minus(heavy).value())
                  .value());
    EXPECT_EQ(opened().redeemed, paid);
    EXPECT_EQ(chain.supply(), before);
}

TEST_F(Compute, only_the_increase_of_a_voucher_is_paid) {
    open_for_business();
    ASSERT_TRUE(chain.send(provider, settle(voucher(Amount(1000)))).ok());
    EXPECT_EQ(chain.send(provider, settle(voucher(Amount(1000)))).error().kind,
              ErrorKind::already_exists);
    EXPECT_EQ(chain.send(provider, settle(voucher(Amount(999)))).error().kind,
              ErrorKind::already_exists);
    ASSERT_TRUE(chain.send(provider, settle(voucher(Amount(1500)))).ok());
    EXPECT_EQ(chain.received(provider.address(), Reason::inference_compute), Amount(300 + 150));
}

TEST_F(Compute, a_voucher_never_passes_the_keys_limit_or_life) {
    open_for_business();
    const auto limit = kOneMut.times(10).value();
    EXPECT_EQ(chain.send(provider, settle(voucher(limit.plus(Amount(1)).value()))).error().kind,
              ErrorKind::insufficient_funds);
    EXPECT_TRUE(chain.send(provider, settle(voucher(limit.minus(Amount(1)).value()))).ok());
    chain.time_ms = kEnd;
    EXPECT_EQ(chain.send(provider, settle(voucher(limit))).error().kind,
              ErrorKind::permission_denied);
}

TEST_F(Compute, a_voucher_is_good_as_signed_and_for_its_provider) {
    open_for_business();
    EXPECT_EQ(chain.send(wallet(7), settle(voucher(Amount(10)))).error().kind,
              ErrorKind::permission_denied);
    auto forged = voucher(Amount(10));
    forged.cumulative = Amount(11);
    EXPECT_FALSE(chain.send(provider, settle(forged)).ok());
    forged = voucher(Amount(10));
    forged.sign(session, 8022);  // for another chain
    EXPECT_FALSE(chain.send(provider, settle(forged)).ok());
    forged = voucher(Amount(10));
    forged.sign(payer, 8021);
    forged.key = session.address();
    EXPECT_EQ(chain.send(provider, settle(forged)).error().kind, ErrorKind::permission_denied);
    forged = voucher(Amount(10));
    forged.sign(wallet(51), 8021);  // a key that was never opened
    EXPECT_EQ(chain.send(provider, settle(forged)).error().kind, ErrorKind::not_found);
    forged = voucher(Amount(10));
    forged.model = digest_of("another");
    forged.sign(session, 8021);
    EXPECT_EQ(chain.send(provider, settle(forged)).error().kind, ErrorKind::not_found);
    EXPECT_TRUE(opened().redeemed.is_zero());
}

TEST_F(Compute, every_bit_of_a_voucher_is_signed) {
    const auto bytes = voucher(Amount(10)).encode();
    ASSERT_EQ(Voucher::decode(bytes).value().encode(), bytes);
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 3) {
        auto changed = bytes;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
        const auto decoded = Voucher::decode(changed);
        EXPECT_TRUE(!decoded.ok() || !decoded->verify(8021).ok()) << bit;
    }
    EXPECT_FALSE(Voucher::decode(ByteSpan(bytes).first(bytes.size() - 1)).ok());
}

TEST_F(Compute, a_key_is_opened_once_for_a_bounded_time) {
    const auto address = session.address();
    EXPECT_FALSE(chain.send(payer, open_key(address, {}, kEnd)).ok());
    EXPECT_FALSE(chain.send(payer, open_key(address, kOneMut, chain.time_ms)).ok());
    EXPECT_FALSE(chain.send(payer, open_key(address, kOneMut, ~std::uint64_t{0})).ok());
    ASSERT_TRUE(chain.send(payer, open_key(address, kOneMut, kEnd)).ok());
    EXPECT_EQ(chain.send(payer, open_key(address, kOneMut, kEnd)).error().kind,
              ErrorKind::already_exists);
    EXPECT_EQ(chain.balance(module::compute()), kOneMut);
}

TEST_F(Compute, an_expired_key_gives_the_rest_back_to_its_payer) {
    open_for_business();
    ASSERT_TRUE(chain.send(provider, settle(voucher(kOneMut))).ok());
    const auto close = close_key(session.address());
    EXPECT_FALSE(chain.send(payer, close).ok());  // a provider may hold a voucher still
    chain.time_ms = kEnd;
    EXPECT_EQ(chain.send(wallet(7), close).error().kind, ErrorKind::permission_denied);
    ASSERT_TRUE(chain.send(payer, close).ok());
    EXPECT_EQ(chain.received(payer.address(), Reason::refund), kOneMut.times(9).value());
    EXPECT_EQ(chain.balance(module::compute()), Amount());
    EXPECT_EQ(chain.send(payer, close).error().kind, ErrorKind::already_exists);
    EXPECT_EQ(chain.send(payer, close_key(wallet(51).address())).error().kind,
              ErrorKind::not_found);
}

TEST_F(Compute, without_storage_nodes_their_part_goes_to_the_treasury) {
    open_for_business();
    for (int i : {0, 1}) ASSERT_TRUE(chain.send(TestNode(i).key, leave_network()).ok());
    const auto treasury = chain.balance(module::treasury());
    ASSERT_TRUE(chain.send(provider, settle(voucher(Amount(1000)))).ok());
    EXPECT_EQ(chain.balance(module::treasury()),
              treasury.plus(chain.last.fee).value().plus(Amount(50)).value());
}

TEST_F(Compute, vouchers_count_up_for_each_provider_by_itself) {
    open_for_business();
    ASSERT_TRUE(chain.send(builder, TestNode(4).joins(Role::compute)).ok());
    ASSERT_TRUE(chain.send(builder, offer_model(model)).ok());  // the owner serves it, too
    auto for_builder = voucher(Amount(1000));
    for_builder.provider = builder.address();
    for_builder.sign(session, 8021);
    ASSERT_TRUE(chain.send(provider, settle(voucher(Amount(1500)))).ok());
    ASSERT_TRUE(chain.send(builder, settle(for_builder)).ok());
    EXPECT_EQ(opened().redeemed, Amount(2500));
    EXPECT_EQ(redeemed_by(chain.ledger.state(), session.address(), builder.address()).value(),
              Amount(1000));
    // The limit is that of both together.
    for_builder.cumulative = kOneMut.times(10).value().minus(Amount(1499)).value();
    for_builder.sign(session, 8021);
    EXPECT_EQ(chain.send(builder, settle(for_builder)).error().kind, ErrorKind::insufficient_funds);
    for_builder.cumulative = kOneMut.times(10).value().minus(Amount(1500)).value();
    for_builder.sign(session, 8021);
    EXPECT_TRUE(chain.send(builder, settle(for_builder)).ok());
    EXPECT_EQ(opened().redeemed, opened().limit);
}

TEST_F(Compute, many_vouchers_settle_at_once_or_not_at_all) {
    open_for_business();
    const auto other = wallet(51);
    ASSERT_TRUE(chain.send(payer, open_key(other.address(), kOneMut, kEnd)).ok());
    auto second = voucher(Amount(2000));
    second.sign(other, 8021);
    const std::vector<Voucher> both{voucher(Amount(1000)), second};
    EXPECT_FALSE(chain.send(provider, settle_all({})).ok());
    EXPECT_FALSE(chain.send(provider, settle_all(std::vector<Voucher>(65, second))).ok());
    EXPECT_EQ(chain.send(provider, settle_all(std::vector<Voucher>{both[0], both[1], both[1]}))
                  .error()
                  .kind,
              ErrorKind::already_exists);
    EXPECT_EQ(opened().redeemed, Amount());
    ASSERT_TRUE(chain.send(provider, settle_all(both)).ok());
    EXPECT_EQ(chain.received(provider.address(), Reason::inference_compute), Amount(300 + 600));
}

TEST_F(Compute, who_opened_a_key_ends_it_with_an_hours_notice) {
    auto call = open_key(session.address(), kOneMut, chain.time_ms + 3 * kKeyNoticeMs);
    license_provider();
    ASSERT_TRUE(chain.send(provider, offer_model(model)).ok());
    ASSERT_TRUE(chain.send(payer, call).ok());
    EXPECT_EQ(chain.send(wallet(7), end_key(session.address())).error().kind,
              ErrorKind::permission_denied);
    ASSERT_TRUE(chain.send(payer, end_key(session.address())).ok());
    EXPECT_FALSE(chain.send(payer, end_key(session.address())).ok());  // no sooner than that
    EXPECT_FALSE(chain.send(payer, close_key(session.address())).ok());
    EXPECT_TRUE(chain.send(provider, settle(voucher(Amount(1000)))).ok());
    chain.time_ms += kKeyNoticeMs;
    EXPECT_FALSE(chain.send(provider, settle(voucher(Amount(2000)))).ok());
    ASSERT_TRUE(chain.send(payer, close_key(session.address())).ok());
    EXPECT_EQ(chain.received(payer.address(), Reason::refund), kOneMut.minus(Amount(1000)).value());
}

}  // namespace
}  // namespace mutirao::ledger
