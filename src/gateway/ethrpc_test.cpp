#include "gateway/ethrpc.hpp"

#include <gtest/gtest.h>

#include "gateway/ethrpc_values.hpp"
#include "gateway/test_ethereum_chain.hpp"
#include "ledger/abi.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;
using ledger::Amount;

json::value text(const std::string& value) { return json::value(value); }

class TestClock final : public Clock {
  public:
    Duration monotonic() override { return now; }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration) override {}
    Duration now{0};
};

class EthereumRpcTest : public ::testing::Test {
  protected:
    json::value call(std::string_view method, json::array params = {}) {
        const auto body = json::serialize(json::object{
            {"jsonrpc", "2.0"}, {"id", 7}, {"method", method}, {"params", std::move(params)}});
        const auto answer = json::parse(rpc.answer(body));
        EXPECT_EQ(answer.at("id"), 7);
        EXPECT_EQ(answer.at("jsonrpc"), "2.0");
        return answer;
    }
    json::value result(std::string_view method, json::array params = {}) {
        const auto answer = call(method, std::move(params));
        if (const auto* found = answer.get_object().if_contains("result")) return *found;
        ADD_FAILURE() << method << ": " << answer;
        return nullptr;
    }
    // Expects an error with this code and these words in it.
    json::value refused(int code, std::string_view words, std::string_view method,
                        json::array params = {}) {
        const auto answer = call(method, std::move(params));
        const auto* error = answer.get_object().if_contains("error");
        if (error == nullptr) {
            ADD_FAILURE() << method << " was not refused: " << answer;
            return nullptr;
        }
        EXPECT_EQ(error->at("code"), code) << answer;
        EXPECT_NE(std::string_view(error->at("message").as_string()).find(words),
                  std::string_view::npos)
            << answer;
        return *error;
    }
    std::string raw_text(const ledger::Transaction& tx) { return data_text(tx.encode()); }
    ledger::Transaction transfer_by(int wallet) {
        return chain.chain().unsigned_call(
            ledger::wallet(wallet).address(),
            ledger::transfer(ledger::wallet(9).address(), Amount(5)));
    }
    json::value send(ledger::Transaction tx, int wallet) {
        tx.sign(ledger::wallet(wallet));
        return call("eth_sendRawTransaction", {raw_text(tx)});
    }

    TestEthereumChain chain;
    TestClock clock;
    EthereumRpc rpc{chain, clock};
    const std::string ana = data_text(ledger::wallet(0).address().span());
    const std::string rights = data_text(ledger::module::rights().span());
};

TEST_F(EthereumRpcTest, says_who_it_is) {
    EXPECT_EQ(result("eth_chainId"), "0x1f55");
    EXPECT_EQ(result("net_version"), "8021");
    EXPECT_EQ(result("eth_syncing"), false);
    EXPECT_EQ(result("eth_accounts"), json::array());
    EXPECT_EQ(result("eth_maxPriorityFeePerGas"), "0x0");
    EXPECT_EQ(result("eth_gasPrice"), "0x3b9aca00");
    // keccak256("") is a published answer.
    EXPECT_EQ(result("web3_sha3", {"0x"}),
              "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    refused(-32601, "does not exist", "eth_nothing");
    refused(-32000, "holds no keys", "eth_sendTransaction", {json::object()});
}

TEST_F(EthereumRpcTest, a_transaction_waits_and_is_then_in_a_block_with_a_receipt) {
    auto tx = transfer_by(0);
    tx.sign(ledger::wallet(0));
    const auto hash = result("eth_sendRawTransaction", {raw_text(tx)});
    EXPECT_EQ(hash, text(data_text(ledger::Transaction::hash(tx.encode()).span())));
    EXPECT_EQ(result("eth_getTransactionCount", {ana, "latest"}), "0x0");
    EXPECT_EQ(result("eth_getTransactionCount", {ana, "pending"}), "0x1");
    EXPECT_TRUE(result("eth_getTransactionByHash", {hash}).at("blockNumber").is_null());
    EXPECT_TRUE(result("eth_getTransactionReceipt", {hash}).is_null());
    refused(-32000, "already known", "eth_sendRawTransaction", {raw_text(tx)});

    chain.mine();
    const auto receipt = result("eth_getTransactionReceipt", {hash});
    EXPECT_EQ(receipt.at("status"), "0x1");
    EXPECT_EQ(receipt.at("from"), text(ana));
    EXPECT_EQ(receipt.at("gasUsed"), "0x5208");
    EXPECT_EQ(receipt.at("effectiveGasPrice"), "0x3b9aca00");
    EXPECT_EQ(receipt.at("logs").as_array().size(), 2u);  // the fee, and the transfer
    const auto found = result("eth_getTransactionByHash", {hash});
    EXPECT_EQ(found.at("blockNumber"), "0x1");
    EXPECT_EQ(found.at("value"), "0x5");
    EXPECT_EQ(found.at("type"), "0x2");
    const auto block = result("eth_getBlockByNumber", {"latest", true});
    EXPECT_EQ(block.at("number"), "0x1");
    EXPECT_EQ(block.at("baseFeePerGas"), "0x3b9aca00");
    EXPECT_EQ(block.at("transactions").as_array().at(0), found);
    EXPECT_EQ(
        result("eth_getBlockByHash", {block.at("hash"), false}).at("transactions").as_array().at(0),
        hash);
    EXPECT_EQ(result("eth_getBlockReceipts", {"0x1"}).as_array().at(0), receipt);
    EXPECT_EQ(result("eth_getBlockTransactionCountByNumber", {"0x1"}), "0x1");
    EXPECT_TRUE(result("eth_getBlockByNumber", {"0x2", false}).is_null());
    EXPECT_TRUE(result("eth_getTransactionReceipt", {data_text(Bytes(32, 1))}).is_null());
    EXPECT_EQ(result("eth_getBalance", {"0x" + ledger::wallet(9).address().hex()}),
              text(quantity(ledger::kOneMut.wei() * 1000 + 5)));
}

TEST_F(EthereumRpcTest, transactions_of_a_batch_are_announced_before_they_come) {
    const auto send = [](const std::string& data) {
        return json::object{{"jsonrpc", "2.0"},
                            {"id", 1},
                            {"method", "eth_sendRawTransaction"},
                            {"params", json::array{text(data)}}};
    };
    auto one = transfer_by(1), two = transfer_by(2);
    one.sign(ledger::wallet(1));
    two.sign(ledger::wallet(2));
    const json::array batch{send(raw_text(one)), send("0xzz"), send(raw_text(two)), 7,
                            json::object{}};
    const auto answer = json::parse(rpc.answer(json::serialize(batch)));
    ASSERT_EQ(answer.get_array().size(), 5u);
    EXPECT_EQ(chain.expected, 2u);
    EXPECT_TRUE(answer.at(0).get_object().contains("result"));
    EXPECT_TRUE(answer.at(2).get_object().contains("result"));
}

TEST_F(EthereumRpcTest, refuses_transactions_in_the_words_that_wallets_know) {
    const auto expect = [&](ledger::Transaction tx, std::string_view words) {
        const auto answer = send(std::move(tx), 0);
        const auto& error = answer.at("error");
        EXPECT_EQ(error.at("code"), -32000) << answer;
        EXPECT_TRUE(error.at("message").as_string().starts_with(words)) << answer;
    };
    const auto good = transfer_by(0);
    auto tx = good;
    tx.chain_id = 1;
    expect(tx, "invalid chain id for signer");
    tx = good;
    tx.gas_limit = 0;
    expect(tx, "intrinsic gas too low");
    tx = good;
    tx.max_fee = Amount(1);
    expect(tx, "max fee per gas less than block base fee");
    tx = good;
    tx.max_priority_fee = Amount(ledger::u128{1} << 100);
    expect(tx, "max priority fee per gas higher than max fee per gas");
    tx = good;
    tx.nonce = 1000;
    expect(tx, "nonce too high");
    tx = good;
    tx.value = Amount(ledger::u128{1} << 120);
    expect(tx, "insufficient funds for gas * price + value");
    ASSERT_TRUE(send(good, 0).as_object().contains("result"));
    chain.mine();
    expect(good, "nonce too low");
    // A gap waits; it is not refused.
    tx = transfer_by(0);
    tx.nonce += 5;
    EXPECT_TRUE(send(tx, 0).as_object().contains("result"));
}

TEST_F(EthereumRpcTest, refuses_bytes_that_are_no_transaction) {
    refused(-32602, "", "eth_sendRawTransaction", {"0x0"});
    refused(-32602, "0x", "eth_sendRawTransaction", {"zz"});
    refused(-32602, "missing value", "eth_sendRawTransaction");
    refused(-32000, "", "eth_sendRawTransaction", {"0x"});
    refused(-32000, "invalid transaction", "eth_sendRawTransaction", {"0x02c0"});
    refused(-32000, "transaction type not supported", "eth_sendRawTransaction", {"0x03c0"});
    refused(-32000, "transaction type not supported", "eth_sendRawTransaction", {"0x04c0"});
    refused(-32000, "oversized data", "eth_sendRawTransaction",
            {"0x02" + std::string(2 << 20, 'f')});
}

TEST_F(EthereumRpcTest, calls_read_views_and_say_why_they_revert) {
    const auto data = data_text(ledger::register_data(ledger::digest_of("c"), 1, "t").data);
    const json::object request{{"from", ana}, {"to", rights}, {"data", data}};
    const auto gas = result("eth_estimateGas", {request});
    EXPECT_EQ(result("eth_call", {request, "latest"}), "0x");
    chain.send(0, ledger::register_data(ledger::digest_of("c"), 1, "t"));
    const auto hash = chain.block(1).value()->transactions.at(0).hash;
    EXPECT_EQ(result("eth_getTransactionReceipt", {data_text(hash.span())}).at("gasUsed"), gas);
    for (const auto* method : {"eth_call", "eth_estimateGas"}) {
        const auto error =
            refused(3, "execution reverted: the asset is registered already", method, {request});
        const auto encoded = read_data(error.at("data").as_string()).value();
        EXPECT_EQ(to_hex(ByteSpan(encoded).first(4)), "08c379a0");
        ledger::abi::Reader in(ByteSpan(encoded).subspan(4));
        EXPECT_EQ(in.text(100).value(), "the asset is registered already");
    }
    const auto id = ledger::asset_id(ledger::wallet(0).address(), ledger::digest_of("c"));
    const auto view = std::move(ledger::abi::Writer("asset(bytes32)").bytes32(id.span())).take();
    const auto seen =
        result("eth_call", {json::object{{"to", rights}, {"input", data_text(view)}}, "latest"});
    EXPECT_EQ(std::string(seen.as_string()).substr(26, 40), ana.substr(2));
    EXPECT_EQ(result("eth_getCode", {rights, "latest"}), "0x60006000fd");
    EXPECT_EQ(result("eth_getCode", {ana, "latest"}), "0x");
    EXPECT_EQ(result("eth_getStorageAt", {rights, "0x0", "latest"}),
              text("0x" + std::string(64, '0')));
    refused(-32000, "contracts cannot be deployed", "eth_estimateGas", {json::object()});
    refused(-32000, "insufficient funds", "eth_estimateGas",
            {json::object{{"to", ana}, {"value", "0x1"}}});
}

TEST_F(EthereumRpcTest, only_the_latest_state_is_kept) {
    chain.mine();
    refused(-32000, "is not kept", "eth_getBalance", {ana, "0x0"});
    result("eth_getBalance", {ana, "0x1"});
    result("eth_getBalance", {ana, json::object{{"blockNumber", "0x1"}}});
    refused(-32000, "header not found", "eth_getBalance", {ana, "0x2"});
    refused(-32602, "parameter 2", "eth_getBalance", {ana, "soon"});
    refused(-32602, "parameter 1", "eth_getBalance", {"0x12"});
}

TEST_F(EthereumRpcTest, logs_are_found_by_address_topics_and_range) {
    const auto one = chain.send(0, ledger::register_data(ledger::digest_of("1"), 1, "t"));
    chain.send(1, ledger::register_data(ledger::digest_of("2"), 1, "t"));
    chain.send(0, ledger::transfer(ledger::wallet(3).address(), Amount(1)));
    const auto logs = [&](json::object filter) {
        filter.emplace("fromBlock", "0x0");
        return result("eth_getLogs", {std::move(filter)}).as_array();
    };
    // A registered asset is a new token, too.
    EXPECT_EQ(logs({{"address", rights}}).size(), 2u + 2u);
    EXPECT_EQ(logs({}).size(), 3u + 3u + 2u);
    const auto signature =
        data_text(crypto::keccak256(as_bytes("AssetRegistered(bytes32,address,address)")).span());
    const auto owner = "0x" + std::string(24, '0') + ana.substr(2);
    const auto found = logs({{"topics", {signature, nullptr, owner}}});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].at("transactionHash"), text(data_text(one.span())));
    EXPECT_EQ(found[0].at("logIndex"), "0x1");
    EXPECT_EQ(logs({{"topics", json::parse("[[\"" + signature + "\",\"" + owner + "\"]]")}}).size(),
              2u);  // either in the first place
    EXPECT_EQ(logs({{"toBlock", "0x1"}, {"address", rights}}).size(), 2u);
    EXPECT_EQ(logs({{"address", {ana, rights}}}).size(), 4u);
    const auto hash = result("eth_getBlockByNumber", {"0x2", false}).at("hash");
    EXPECT_EQ(result("eth_getLogs", {json::object{{"blockHash", hash}}}).as_array().size(), 3u);
    refused(-32602, "after", "eth_getLogs",
            {json::object{{"fromBlock", "0x2"}, {"toBlock", "0x1"}}});
    refused(-32602, "topics", "eth_getLogs", {json::object{{"topics", json::array(5)}}});
    chain.pruned = 2;
    refused(4444, kPrunedHistory, "eth_getLogs", {json::object{{"fromBlock", "0x0"}}});
}

TEST_F(EthereumRpcTest, what_is_no_longer_kept_has_an_error_of_its_own) {
    const auto hash = chain.send(0, ledger::transfer(ledger::wallet(3).address(), Amount(1)));
    const auto id = text(data_text(hash.span()));
    chain.send(0, ledger::transfer(ledger::wallet(3).address(), Amount(1)));
    const auto block = result("eth_getBlockByNumber", {"0x1", false}).at("hash");
    chain.pruned = 2;
    const std::pair<std::string_view, json::array> asked[] = {
        {"eth_getBlockByNumber", {"0x1", false}},
        {"eth_getBlockByNumber", {"earliest", false}},
        {"eth_getBlockByHash", {block, false}},
        {"eth_getBlockTransactionCountByNumber", {"0x1"}},
        {"eth_getTransactionByBlockNumberAndIndex", {"0x1", "0x0"}},
        {"eth_getTransactionReceipt", {id}},
        {"eth_getBlockReceipts", {"0x1"}},
        {"eth_feeHistory", {"0x3", "latest", json::array()}}};
    for (const auto& [method, params] : asked) refused(4444, kPrunedHistory, method, params);
    EXPECT_EQ(result("eth_getBlockByNumber", {"0x2", false}).at("number"), "0x2");
    EXPECT_TRUE(result("eth_getBlockByNumber", {"0x9", false}).is_null());
}

TEST_F(EthereumRpcTest, filters_report_each_thing_once_and_end) {
    const auto logs = result("eth_newFilter", {json::object{{"address", rights}}});
    const auto heads = result("eth_newBlockFilter");
    const auto pending = result("eth_newPendingTransactionFilter");
    chain.send(0, ledger::register_data(ledger::digest_of("1"), 1, "t"));
    EXPECT_EQ(result("eth_getFilterChanges", {logs}).as_array().size(), 2u);
    EXPECT_EQ(result("eth_getFilterChanges", {logs}).as_array().size(), 0u);
    EXPECT_EQ(result("eth_getFilterLogs", {logs}).as_array().size(), 2u);
    EXPECT_EQ(result("eth_getFilterChanges", {heads}).as_array().size(), 1u);
    EXPECT_EQ(result("eth_getFilterChanges", {pending}).as_array().size(), 1u);
    EXPECT_EQ(result("eth_uninstallFilter", {logs}), true);
    EXPECT_EQ(result("eth_uninstallFilter", {logs}), false);
    refused(-32000, "filter not found", "eth_getFilterChanges", {logs});
    clock.now += kWatchIdleMax + std::chrono::seconds(1);
    result("eth_newBlockFilter");
    refused(-32000, "filter not found", "eth_getFilterChanges", {heads});
}

TEST_F(EthereumRpcTest, filters_are_bounded) {
    for (std::size_t i = 0; i < kWatchesMax; ++i) result("eth_newBlockFilter");
    refused(-32005, "too many filters", "eth_newBlockFilter");
}

TEST_F(EthereumRpcTest, fee_history_has_one_base_fee_more_than_blocks) {
    chain.send(0, ledger::transfer(ledger::wallet(3).address(), Amount(1)));
    const auto history = result("eth_feeHistory", {"0x5", "latest", {10, 90.5}});
    EXPECT_EQ(history.at("oldestBlock"), "0x0");
    EXPECT_EQ(history.at("baseFeePerGas").as_array().size(), 3u);
    EXPECT_EQ(history.at("gasUsedRatio").as_array().size(), 2u);
    EXPECT_EQ(history.at("reward").as_array().at(1), json::array({"0x0", "0x0"}));
    EXPECT_GT(history.at("gasUsedRatio").as_array().at(1).as_double(), 0);
    EXPECT_FALSE(result("eth_feeHistory", {1, "latest"}).as_object().contains("reward"));
    refused(-32602, "percentiles", "eth_feeHistory", {"0x1", "latest", {50, 10}});
    refused(-32000, "beyond head", "eth_feeHistory", {"0x1", "0x99", json::array()});
}

TEST_F(EthereumRpcTest, a_session_pushes_heads_and_logs_to_who_subscribed) {
    EthereumSession session(rpc);
    const auto ask = [&](std::string_view method, json::array params) {
        return json::parse(session.message(json::serialize(json::object{
            {"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}})));
    };
    const auto heads = ask("eth_subscribe", {"newHeads"}).at("result");
    const auto logs =
        ask("eth_subscribe", {"logs", json::object{{"address", rights}}}).at("result");
    EXPECT_TRUE(session.news().value().empty());
    chain.send(0, ledger::register_data(ledger::digest_of("1"), 1, "t"));
    const auto news = session.news().value();
    ASSERT_EQ(news.size(), 3u);
    const auto first = json::parse(news[0]), second = json::parse(news[1]);
    EXPECT_EQ(first.at("method"), "eth_subscription");
    EXPECT_EQ(first.at("params").at("subscription"), heads);
    EXPECT_EQ(first.at("params").at("result").at("number"), "0x1");
    EXPECT_EQ(second.at("params").at("subscription"), logs);
    EXPECT_TRUE(session.news().value().empty());
    EXPECT_EQ(ask("eth_unsubscribe", {heads}).at("result"), true);
    EXPECT_EQ(ask("eth_unsubscribe", {heads}).at("result"), false);
    chain.mine();
    EXPECT_TRUE(session.news().value().empty());
    EXPECT_EQ(ask("eth_subscribe", {"weather"}).at("error").at("code"), -32602);
    EXPECT_EQ(ask("eth_chainId", {}).at("result"), "0x1f55");
    for (std::size_t i = 1; i < kSubscriptionsMax; ++i) ask("eth_subscribe", {"newHeads"});
    EXPECT_EQ(ask("eth_subscribe", {"newHeads"}).at("error").at("code"), -32005);
}

TEST_F(EthereumRpcTest, http_answers_posts_and_lets_browsers_ask) {
    const auto route = make_ethereum_route(rpc);
    const auto ask = [&](std::string method, std::string target, std::string body = "") {
        return route({std::move(method), std::move(target), {}, std::move(body)});
    };
    const auto origin = [](const net::HttpResponse& response) {
        for (const auto& header : response.headers)
            if (header.name == "Access-Control-Allow-Origin") return header.value;
        return std::string();
    };
    const auto post = ask("POST", "/", R"({"jsonrpc":"2.0","id":1,"method":"eth_chainId"})");
    EXPECT_EQ(post.status, 200);
    EXPECT_EQ(post.content_type, "application/json");
    EXPECT_EQ(origin(post), "*");
    EXPECT_EQ(json::parse(post.body).at("result"), "0x1f55");
    EXPECT_EQ(ask("POST", "/", R"({"jsonrpc":"2.0","method":"eth_chainId"})").status, 204);
    EXPECT_EQ(ask("OPTIONS", "/").status, 204);
    EXPECT_EQ(origin(ask("OPTIONS", "/")), "*");
    EXPECT_EQ(ask("GET", "/").status, 200);
    EXPECT_EQ(ask("GET", "/none").status, 404);
    EXPECT_EQ(ask("PUT", "/").status, 405);
}

}  // namespace
}  // namespace mutirao::gateway
