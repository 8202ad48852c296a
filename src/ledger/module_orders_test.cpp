// Orders: EIP-712 as ethers computes it, relaying, session keys and their limits, replays.
#include <gtest/gtest.h>

#include "ledger/asset_tokens.hpp"
#include "ledger/orders.hpp"
#include "ledger/test_chain.hpp"
#include "ledger/test_vectors.hpp"

namespace mutirao::ledger {
namespace {

class Orders : public ::testing::Test {
  protected:
    Order order(const Call& call, const crypto::AccountKey& signer, std::uint64_t nonce = 0) const {
        Order out;
        out.account = owner.address();
        out.to = call.to;
        out.value = call.value;
        out.data = call.data;
        out.fee = Amount(1000);
        out.nonce = nonce;
        out.deadline_ms = kDeadline;
        out.sign(signer, 8021);
        return out;
    }
    Status send(const Order& order) { return chain.send(relayer, relay(order)); }
    OrderKey key_of(const crypto::AccountKey& signer) const {
        return order_key_of(chain.ledger.state(), owner.address(), signer.address()).value();
    }
    void let_machine(const Address& to, Amount limit) {
        ASSERT_TRUE(chain.send(owner, authorise(machine.address(), {to, limit, kDeadline})).ok());
    }
    static constexpr std::uint64_t kDeadline = kStartMs + 1'000'000;
    TestChain chain;
    const crypto::AccountKey owner = wallet(0), relayer = wallet(1), machine = wallet(60),
                             stranger = wallet(61);
};

TEST_F(Orders, are_hashed_and_signed_as_ethers_does) {
    const auto vectors = read_vectors("abi.json");
    const auto& list = vectors.at("orders").as_array();
    ASSERT_GE(list.size(), 2u);
    for (const auto& vector : list) {
        const auto& values = vector.at("order");
        Order given;
        given.account = fixed_in<Address>(values.at("account"));
        given.to = fixed_in<Address>(values.at("to"));
        given.value = Amount(number_in(values.at("value")));
        given.data = hex_in(values.at("data"));
        given.fee = Amount(number_in(values.at("fee")));
        given.nonce = static_cast<std::uint64_t>(number_in(values.at("nonce")));
        given.deadline_ms = static_cast<std::uint64_t>(number_in(values.at("deadlineMs")));
        EXPECT_EQ(order_domain(8021), fixed_in<Digest>(vector.at("domain")));
        EXPECT_EQ(given.hash(8021), fixed_in<Digest>(vector.at("hash")));
        const auto key = crypto::AccountKey::from_bytes(hex_in(vector.at("key"))).value();
        given.sign(key, 8021);
        EXPECT_EQ(to_hex(relay(given).data), to_hex(hex_in(vector.at("data"))));
        EXPECT_EQ(given.signer(8021).value(), key.address());
    }
}

TEST_F(Orders, a_relayer_pays_the_gas_and_gets_the_fee) {
    const auto before = chain.balance(owner.address());
    const auto relayer_before = chain.balance(relayer.address());
    const auto content = digest_of("content");
    ASSERT_TRUE(send(order(register_data(content, 5, "dados"), owner)).ok());
    const auto asset = chain.record<Asset>(key::asset(asset_id(owner.address(), content)));
    EXPECT_EQ(asset.owner, owner.address());
    EXPECT_EQ(chain.balance(owner.address()), before.minus(Amount(1000)).value());
    EXPECT_EQ(chain.balance(relayer.address()),
              relayer_before.minus(chain.last.fee).value().plus(Amount(1000)).value());
    EXPECT_EQ(chain.account(owner.address()).nonce, 0u);
    // Money, too.
    ASSERT_TRUE(send(order(transfer(stranger.address(), kOneMut), owner, 1)).ok());
    EXPECT_EQ(chain.balance(stranger.address()), kOneMut);
    EXPECT_EQ(key_of(owner).nonce, 2u);
}

TEST_F(Orders, a_run_that_an_order_creates_has_an_id_of_its_own) {
    const auto call = create_run(digest_of("spec"), {wallet(4).address()}, kOneMut);
    ASSERT_TRUE(chain.send(owner, call).ok());
    const auto first = chain.last.created;
    ASSERT_TRUE(send(order(call, owner)).ok());
    EXPECT_FALSE(chain.last.created.is_zero());
    EXPECT_NE(chain.last.created, first);
    EXPECT_EQ(chain.record<ledger::Run>(key::run(chain.last.created)).builder, owner.address());
    EXPECT_EQ(chain.balance(module::training()), kOneMut.times(2).value());
}

TEST_F(Orders, are_good_once_in_order_and_until_their_deadline) {
    const auto call = transfer(stranger.address(), Amount(5));
    EXPECT_FALSE(send(order(call, owner, 1)).ok());
    ASSERT_TRUE(send(order(call, owner, 0)).ok());
    EXPECT_EQ(send(order(call, owner, 0)).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(chain.send(owner, cancel_orders(5)).ok());
    EXPECT_EQ(send(order(call, owner, 1)).error().kind, ErrorKind::already_exists);
    EXPECT_FALSE(chain.send(owner, cancel_orders(5)).ok());
    EXPECT_FALSE(chain.send(owner, cancel_orders(std::uint64_t{1} << 63)).ok());
    ASSERT_TRUE(send(order(call, owner, 5)).ok());
    chain.time_ms = kDeadline;
    EXPECT_FALSE(send(order(call, owner, 6)).ok());
    EXPECT_EQ(chain.balance(stranger.address()), Amount(10));
}

TEST_F(Orders, nothing_but_what_was_signed_is_done) {
    const auto good = order(transfer(stranger.address(), Amount(5)), owner);
    auto changed = good;
    changed.value = Amount(6);
    EXPECT_FALSE(send(changed).ok());
    changed = good;
    changed.fee = Amount(1001);
    EXPECT_FALSE(send(changed).ok());
    changed = good;
    changed.to = relayer.address();
    EXPECT_FALSE(send(changed).ok());
    changed = good;
    changed.account = wallet(5).address();
    EXPECT_FALSE(send(changed).ok());
    changed = good;
    changed.sign(owner, 8022);  // for another chain
    EXPECT_FALSE(send(changed).ok());
    EXPECT_FALSE(send(order(transfer(stranger.address(), Amount(5)), stranger)).ok());
    EXPECT_TRUE(chain.balance(stranger.address()).is_zero());
    EXPECT_TRUE(send(good).ok());
}

TEST_F(Orders, a_call_that_reverts_takes_nothing_but_the_relayers_gas) {
    const auto before = chain.balance(owner.address());
    const auto bad = order(accept_licence(digest_of("none"), {}), owner);
    EXPECT_EQ(send(bad).error().kind, ErrorKind::not_found);
    EXPECT_EQ(chain.balance(owner.address()), before);
    EXPECT_EQ(key_of(owner).nonce, 0u);
    EXPECT_EQ(
        send(order(transfer(stranger.address(), kOneMut.times(2000).value()), owner)).error().kind,
        ErrorKind::insufficient_funds);
}

TEST_F(Orders, do_not_relay_orders) {
    const auto inner = order(transfer(stranger.address(), Amount(5)), owner);
    const auto outer = order(relay(inner), owner);
    const auto status = send(outer);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("does not relay another"), std::string::npos);
    // What else the module does may be ordered.
    ASSERT_TRUE(
        send(order(authorise(machine.address(), {module::rights(), Amount(9), kDeadline}), owner))
            .ok());
    EXPECT_EQ(key_of(machine).limit, Amount(9));
}

TEST_F(Orders, a_session_key_acts_within_its_limits) {
    const auto call = register_data(digest_of("1"), 5, "");
    EXPECT_EQ(send(order(call, machine)).error().kind, ErrorKind::permission_denied);
    let_machine(module::rights(), Amount(2500));
    ASSERT_TRUE(send(order(call, machine)).ok());
    EXPECT_EQ(key_of(machine).spent, Amount(1000));
    EXPECT_EQ(key_of(machine).nonce, 1u);
    EXPECT_EQ(key_of(owner).nonce, 0u);  // each signer counts for itself
    EXPECT_EQ(send(order(transfer(machine.address(), Amount(1)), machine, 1)).error().kind,
              ErrorKind::permission_denied);
    ASSERT_TRUE(send(order(register_data(digest_of("2"), 5, ""), machine, 1)).ok());
    EXPECT_EQ(send(order(register_data(digest_of("3"), 5, ""), machine, 2)).error().kind,
              ErrorKind::insufficient_funds);
    // New limits begin a new sum and go on with the nonce.
    let_machine(module::rights(), Amount(1000));
    EXPECT_EQ(send(order(call, machine, 0)).error().kind, ErrorKind::already_exists);
    ASSERT_TRUE(send(order(register_data(digest_of("3"), 5, ""), machine, 2)).ok());
    // For its account only.
    auto of_another = order(call, machine, 3);
    of_another.account = wallet(5).address();
    of_another.sign(machine, 8021);
    EXPECT_FALSE(send(of_another).ok());
}

TEST_F(Orders, a_session_key_ends_by_time_and_by_word) {
    let_machine(module::rights(), kOneMut);
    const auto call = register_data(digest_of("1"), 5, "");
    ASSERT_TRUE(chain.send(owner, revoke_signer(machine.address())).ok());
    EXPECT_EQ(send(order(call, machine)).error().kind, ErrorKind::permission_denied);
    EXPECT_FALSE(chain.send(owner, revoke_signer(machine.address())).ok());
    ASSERT_TRUE(chain
                    .send(owner, authorise(machine.address(),
                                           {module::rights(), kOneMut, chain.time_ms + 300}))
                    .ok());
    chain.time_ms += 300;
    EXPECT_EQ(send(order(call, machine)).error().kind, ErrorKind::permission_denied);
    for (const auto& limits :
         {SignerLimits{{}, kOneMut, kDeadline}, SignerLimits{module::orders(), kOneMut, kDeadline},
          SignerLimits{module::rights(), kOneMut, chain.time_ms},
          SignerLimits{module::rights(), kOneMut, ~std::uint64_t{0}}})
        EXPECT_FALSE(chain.send(owner, authorise(machine.address(), limits)).ok());
    EXPECT_FALSE(
        chain.send(owner, authorise(owner.address(), {module::rights(), kOneMut, kDeadline})).ok());
}

}  // namespace
}  // namespace mutirao::ledger
