// What explorers read: blocks, transactions in words, events, records.
#include <gtest/gtest.h>

#include "gateway/ethrpc.hpp"
#include "gateway/ethrpc_values.hpp"
#include "gateway/explorer_values.hpp"
#include "gateway/test_ethereum_chain.hpp"
#include "ledger/asset_tokens.hpp"
#include "ledger/contributions.hpp"
#include "ledger/convictions.hpp"
#include "ledger/deals.hpp"
#include "ledger/disputes.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/validators.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;
using ledger::Amount;
using ledger::wallet;

class StillClock final : public Clock {
  public:
    Duration monotonic() override { return Duration{0}; }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration) override {}
};

class Explorer : public ::testing::Test {
  protected:
    json::value ask(std::string_view method, json::array params) {
        return json::parse(rpc.answer(json::serialize(json::object{
            {"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}})));
    }
    json::value result(std::string_view method, json::array params = {}) {
        const auto answer = ask(method, std::move(params));
        if (const auto* found = answer.get_object().if_contains("result")) return *found;
        ADD_FAILURE() << method << ": " << answer;
        return nullptr;
    }
    void refused(std::string_view words, std::string_view method, json::array params) {
        const auto answer = ask(method, std::move(params));
        const auto* error = answer.get_object().if_contains("error");
        ASSERT_NE(error, nullptr) << answer;
        EXPECT_EQ(error->at("code"), -32602);
        EXPECT_NE(std::string_view(error->at("message").as_string()).find(words),
                  std::string_view::npos)
            << answer;
    }
    static json::value text(ByteSpan bytes) { return json::value(data_text(bytes)); }
    static json::value text(int number) { return text(wallet(number).address().span()); }

    TestEthereumChain chain;
    StillClock clock;
    EthereumRpc rpc{chain, clock};
};

TEST_F(Explorer, blocks_are_listed_from_the_newest) {
    for (int i = 0; i < 5; ++i) chain.send(0, ledger::transfer(wallet(1).address(), Amount(1)));
    const auto first = result("mutirao_blocks", {nullptr, 4});
    ASSERT_EQ(first.at("items").as_array().size(), 4u);
    EXPECT_EQ(first.at("items").at(0).at("number"), 5);
    EXPECT_EQ(first.at("items").at(0).at("transactions"), 1);
    EXPECT_EQ(first.at("next"), 2);
    const auto rest = result("mutirao_blocks", {first.at("next"), 4});
    ASSERT_EQ(rest.at("items").as_array().size(), 2u);
    EXPECT_EQ(rest.at("items").at(1).at("number"), 0);
    EXPECT_TRUE(rest.at("next").is_null());
    chain.pruned = 3;
    EXPECT_EQ(result("mutirao_blocks").at("items").as_array().size(), 3u);
    refused("1 to 100 items", "mutirao_blocks", {nullptr, 101});
    refused("1 to 100 items", "mutirao_blocks", {nullptr, 0});
}

TEST_F(Explorer, a_transaction_is_told_in_words) {
    const auto id = ledger::asset_id(wallet(0).address(), ledger::digest_of("1"));
    chain.send(0, ledger::register_data(ledger::digest_of("1"), 77, "Anotações"));
    const auto hash =
        chain.send(0, ledger::transfer_asset(wallet(0).address(), wallet(1).address(), id));
    const auto shown = result("mutirao_transaction", {data_text(hash.span())});
    EXPECT_EQ(shown.at("from"), text(0));
    EXPECT_EQ(shown.at("succeeded"), true);
    EXPECT_EQ(shown.at("call").at("module"), "rights");
    EXPECT_EQ(shown.at("call").at("method"), "transferFrom");
    EXPECT_EQ(shown.at("call").at("arguments").at(1).at("type"), "address");
    EXPECT_EQ(shown.at("call").at("arguments").at(1).at("value"), text(1));
    EXPECT_EQ(shown.at("call").at("arguments").at(2).at("value"), text(id.span()));
    const auto& events = shown.at("events").as_array();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].at("reason"), "fee");
    EXPECT_EQ(events[0].at("amount"), shown.at("fee"));
    EXPECT_EQ(events[1].at("kind"), "asset_transferred");
    EXPECT_TRUE(
        result("mutirao_transaction", {data_text(ledger::digest_of("?").span())}).is_null());
    const auto bad =
        chain.send(0, ledger::transfer_asset(wallet(0).address(), wallet(1).address(), id));
    const auto failed = result("mutirao_transaction", {data_text(bad.span())});
    EXPECT_EQ(failed.at("succeeded"), false);
    EXPECT_NE(std::string_view(failed.at("error").as_string()).find("not the account's"),
              std::string_view::npos);
    const auto plain = chain.send(0, ledger::transfer(wallet(1).address(), Amount(5)));
    const auto moved = result("mutirao_transaction", {data_text(plain.span())});
    EXPECT_TRUE(moved.at("call").is_null());
    EXPECT_EQ(moved.at("value"), "5");
}

TEST(ExplorerValues, arguments_are_shown_by_their_types) {
    ledger::Order order;
    order.account = wallet(0).address();
    order.to = wallet(1).address();
    order.value = Amount(12);
    order.data = {1, 2};
    order.sign(wallet(0), 8021);
    auto call = ledger::relay(order);
    const auto shown = call_json(call.to, call.data);
    EXPECT_EQ(shown.at("method"), "relay");
    EXPECT_EQ(shown.at("arguments").at(2).at("value"), "12");
    EXPECT_EQ(shown.at("arguments").at(3).at("value"), "0x0102");
    // Data that its method would refuse: then no more than where they went.
    call.data.resize(50);
    EXPECT_EQ(call_json(call.to, call.data), (json::object{{"module", "orders"}}));
    EXPECT_TRUE(call_json(wallet(0).address(), call.data).empty());
}

TEST_F(Explorer, events_are_listed_from_the_newest_and_by_account) {
    chain.send(0, ledger::transfer(wallet(1).address(), Amount(1)));
    chain.send(2, ledger::transfer(wallet(3).address(), Amount(2)));
    const auto newest = result("mutirao_events", {nullptr, 3});
    ASSERT_EQ(newest.at("items").as_array().size(), 3u);
    EXPECT_EQ(newest.at("items").at(0).at("amount"), "2");
    EXPECT_EQ(newest.at("items").at(0).at("index"), 3);
    EXPECT_EQ(newest.at("next"), 1);
    const auto last = result("mutirao_events", {newest.at("next"), 3});
    EXPECT_EQ(last.at("items").as_array().size(), 1u);
    EXPECT_TRUE(last.at("next").is_null());
    const auto own = result("mutirao_events", {nullptr, 10, text(1)});
    ASSERT_EQ(own.at("items").as_array().size(), 1u);
    EXPECT_EQ(own.at("items").at(0).at("from"), text(0));
    EXPECT_TRUE(own.at("next").is_null());
}

TEST(ExplorerValues, records_of_every_kind_are_shown_in_full) {
    const auto shown = [](std::string_view name, const auto& record) {
        for (const auto& kind : record_kinds())
            if (kind.name == name) return kind.show({}, ledger::encode_record(record), 0).value();
        ADD_FAILURE() << name;
        return json::object();
    };
    ledger::Deal deal;
    deal.holders.push_back({wallet(1).address(), 7, Amount(12), Amount(5), true});
    const auto holder = shown("deals", deal).at("holders").at(0);
    EXPECT_EQ(holder.at("slots"), 7);
    EXPECT_EQ(holder.at("total"), "12");
    EXPECT_EQ(holder.at("paid"), "5");
    EXPECT_EQ(holder.at("lost"), true);
    ledger::Dispute dispute;
    dispute.state = ledger::DisputeState::lost;
    EXPECT_EQ(shown("disputes", dispute).at("state"), "lost");
    ledger::Validator validator;
    validator.power = 150;
    validator.endpoint = "v.example:1";
    EXPECT_EQ(shown("validators", validator).at("endpoint"), "v.example:1");
    EXPECT_EQ(shown("validators", validator).at("votes"), 150);
    // The front of the SHA-256 of 32 zeros.
    EXPECT_EQ(shown("validators", validator).at("consensus_address"),
              "0x66687aadf862bd776c8fc18b8e9f8e2008971485");
    EXPECT_EQ(shown("storage_offers", ledger::StorageOffer{{}, 9, 8}).at("wei_per_kib_day"), "9");
    ledger::Audit audit;
    audit.slot = 200;
    EXPECT_EQ(shown("audits", audit).at("slot"), 200);
    EXPECT_EQ(shown("contributions", ledger::Contribution{{}, 6}).at("weight"), 6);
    const ledger::Conviction conviction{wallet(1).address(), 9, {wallet(2).address()}, true, false};
    EXPECT_EQ(shown("convictions", conviction).at("round"), 9);
    EXPECT_EQ(shown("convictions", conviction).at("accusers").as_array().size(), 1u);
}

TEST_F(Explorer, records_are_listed_by_kind_and_page) {
    for (int i = 0; i < 3; ++i)
        chain.send(i, ledger::register_data(ledger::digest_of("1"), 1, "título"));
    chain.send(3, ledger::stake(wallet(0).address(), ledger::kOneMut));
    chain.send(3, ledger::authorise(wallet(4).address(), {ledger::module::rights(), Amount(5),
                                                          ledger::kStartMs + 100'000}));
    std::set<std::string> ids;
    json::value next = nullptr;
    do {
        const auto page = result("mutirao_records", {"assets", next, 2});
        for (const auto& asset : page.at("items").as_array()) {
            EXPECT_EQ(asset.at("title"), "título");
            ids.insert(std::string(asset.at("id").as_string()));
        }
        next = page.at("next");
    } while (!next.is_null());
    EXPECT_EQ(ids.size(), 3u);
    const auto stakes = result("mutirao_records", {"stakes"});
    EXPECT_EQ(stakes.at("items").at(0).at("node"), text(0));
    EXPECT_EQ(stakes.at("items").at(0).at("bonded"), "1000000000000000000");
    const auto signers = result("mutirao_records", {"signers", nullptr, 5, text(3)});
    EXPECT_EQ(signers.at("items").at(0).at("signer"), text(4));
    EXPECT_EQ(result("mutirao_records", {"signers", nullptr, 5, text(0)}).at("items"),
              json::array());
    refused("a parent is needed", "mutirao_records", {"signers"});
    refused("the parent has 32 bytes", "mutirao_records", {"providers", nullptr, 5, text(3)});
    refused("give no parent", "mutirao_records", {"nodes", nullptr, 5, text(3)});
    refused("kinds of records are nodes", "mutirao_records", {"weather"});
    for (const auto& kind : {"nodes", "blocks", "licences", "runs", "keys", "validators",
                             "storage_offers", "deals", "audits", "disputes"})
        EXPECT_EQ(result("mutirao_records", {kind}).at("items"), json::array()) << kind;
}

}  // namespace
}  // namespace mutirao::gateway
