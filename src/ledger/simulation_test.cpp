#include "ledger/simulation.hpp"

#include <gtest/gtest.h>

#include "ledger/abi.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

class SimulationTest : public ::testing::Test {
  protected:
    Simulated run(const Address& from, const Call& call) const {
        const ViewContext context{chain.ledger.state(), chain.ledger.genesis(),
                                  chain.ledger.time_ms()};
        return simulate(context, chain.ledger.height(), from, call);
    }
    // The results of a view, read from their first word.
    Bytes see(const Address& to, Bytes data) const {
        const auto seen = run(wallet(9).address(), {to, Amount(), std::move(data)});
        EXPECT_TRUE(seen.status.ok()) << (seen.status.ok() ? "" : seen.status.error().message);
        return seen.output;
    }
    TestChain chain;
    const Address ana = wallet(0).address();
};

TEST_F(SimulationTest, reads_an_asset_and_a_licence) {
    const auto content = digest_of("content");
    ASSERT_TRUE(chain.send(wallet(0), register_data(content, 5, "Anotações")).ok());
    const auto id_bytes =
        see(module::rights(),
            std::move(abi::Writer(view_signature::kAssetId).address(ana).bytes32(content.span()))
                .take());
    const auto id = Digest::from_bytes(id_bytes).value();
    EXPECT_EQ(id, asset_id(ana, content));
    const auto results = see(
        module::rights(), std::move(abi::Writer(view_signature::kAsset).bytes32(id.span())).take());
    abi::Reader in(results);
    EXPECT_EQ(in.address().value(), ana);
    EXPECT_EQ(in.bytes32().value(), content);
    EXPECT_EQ(in.number32().value(), 1u);
    EXPECT_EQ(in.number64().value(), 5u);
    EXPECT_EQ(in.number64().value(), chain.time_ms);
    EXPECT_TRUE(in.bytes32().value().is_zero());
    EXPECT_EQ(in.number64().value(), 0u);
    EXPECT_EQ(in.text(100).value(), "Anotações");

    const auto provider = wallet(1).address();
    LicenceTerms terms;
    terms.purpose = Purpose::infer;
    terms.price = Amount(7);
    terms.expires_ms = chain.time_ms + 1'000'000;
    ASSERT_TRUE(chain.send(wallet(0), offer_licence(id, subject_of(provider), terms)).ok());
    const auto licence = licence_id(id, subject_of(provider));
    const auto live = [&] {
        return see(module::rights(),
                   std::move(abi::Writer(view_signature::kIsLive).bytes32(licence.span())).take())
            .back();
    };
    EXPECT_EQ(live(), 0);
    ASSERT_TRUE(chain.send(wallet(1), accept_licence(licence, Amount(7))).ok());
    EXPECT_EQ(live(), 1);
}

TEST_F(SimulationTest, the_token_reads_as_eip_20) {
    const auto balance = see(
        module::treasury(), std::move(abi::Writer(view_signature::kBalanceOf).address(ana)).take());
    EXPECT_EQ(abi::Reader(balance).number().value(), chain.balance(ana).wei());
    const auto supply = see(module::treasury(), abi::Writer(view_signature::kTotalSupply).take());
    EXPECT_EQ(abi::Reader(supply).number().value(), kOneMut.wei() * 1000 * TestChain::kWallets);
    const auto symbol = see(module::treasury(), abi::Writer(view_signature::kSymbol).take());
    EXPECT_EQ(abi::Reader(symbol).text(10).value(), "MUT");
}

TEST_F(SimulationTest, says_why_a_call_would_revert_and_changes_nothing) {
    const auto before = chain.ledger.state_hash();
    const auto missing = run(ana, accept_licence(digest_of("no licence"), Amount(1)));
    EXPECT_EQ(missing.status.error().message, "there is no such licence offer");
    const auto poor = run(wallet(99).address(), transfer(ana, Amount(1)));
    EXPECT_EQ(poor.status.error().kind, ErrorKind::insufficient_funds);
    const auto unknown = run(ana, {module::rights(), Amount(), {1, 2, 3, 4}});
    EXPECT_EQ(unknown.status.error().message, "the module has no such method");
    const auto good = run(ana, register_data(digest_of("content"), 5, "title"));
    EXPECT_TRUE(good.status.ok());
    EXPECT_EQ(chain.ledger.state_hash(), before);
    // The same call, sent, costs what was said.
    ASSERT_TRUE(chain.send(wallet(0), register_data(digest_of("content"), 5, "title")).ok());
    EXPECT_EQ(chain.last.gas_used, good.gas);
}

TEST_F(SimulationTest, a_view_refuses_malformed_arguments) {
    auto data = std::move(abi::Writer(view_signature::kBalanceOf).address(ana)).take();
    data.pop_back();
    const auto seen = run(ana, {module::treasury(), Amount(), data});
    EXPECT_EQ(seen.status.error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::ledger
