#include "gateway/ethrpc_call.hpp"

#include <gtest/gtest.h>

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

// Gives back its parameters, or fails when its name says so.
RpcResult echo(const RpcCall& call) {
    if (call.method == "fail") return RpcError{3, "reverted", "0x01"};
    if (call.method == "wrong") return Error{ErrorKind::invalid_argument, "no"};
    if (call.method == "gone") return Error{ErrorKind::not_found, "no"};
    return json::value(call.params);
}
json::value ask(std::string_view body) { return json::parse(answer_rpc(body, echo)); }
int code_of(std::string_view body) {
    return static_cast<int>(ask(body).at("error").at("code").as_int64());
}

TEST(JsonRpc, answers_with_the_callers_id) {
    for (const auto* id : {"1", "\"a\"", "null", "1.5"}) {
        const auto answer =
            ask(std::string(R"({"jsonrpc":"2.0","method":"m","params":[1,2],"id":)") + id + "}");
        EXPECT_EQ(answer.at("id"), json::parse(id));
        EXPECT_EQ(answer.at("result"), json::array({1, 2}));
    }
    const auto failed = ask(R"({"jsonrpc":"2.0","id":1,"method":"fail"})");
    EXPECT_EQ(failed.at("error"),
              json::value({{"code", 3}, {"message", "reverted"}, {"data", "0x01"}}));
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"wrong"})"), -32602);
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"gone"})"), -32000);
}

// The specification's own examples, section 7.
TEST(JsonRpc, bad_requests_have_the_codes_of_the_specification) {
    EXPECT_EQ(code_of(R"({"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz])"), -32700);
    EXPECT_EQ(code_of(R"({"jsonrpc": "2.0", "method": 1, "params": "bar"})"), -32600);
    EXPECT_EQ(code_of("[]"), -32600);
    EXPECT_EQ(code_of(""), -32700);
    EXPECT_EQ(code_of("7"), -32600);
    EXPECT_EQ(code_of(R"({"id":1,"method":"m"})"), -32600);
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":{},"method":"m"})"), -32600);
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}})"), -32602);
    const auto three = ask("[1,2,3]").as_array();
    ASSERT_EQ(three.size(), 3u);
    EXPECT_EQ(three[2].at("error").at("code"), -32600);
}

TEST(JsonRpc, a_batch_is_answered_in_order_without_its_notifications) {
    const auto answers = ask(R"([{"jsonrpc":"2.0","id":1,"method":"m"},
        {"jsonrpc":"2.0","method":"m"}, 5, {"jsonrpc":"2.0","id":2,"method":"m"}])")
                             .as_array();
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_EQ(answers[0].at("id"), 1);
    EXPECT_TRUE(answers[1].at("id").is_null());
    EXPECT_EQ(answers[2].at("id"), 2);
    EXPECT_EQ(answer_rpc(R"([{"jsonrpc":"2.0","method":"m"}])", echo), "");
    EXPECT_EQ(answer_rpc(R"({"jsonrpc":"2.0","method":"m"})", echo), "");
}

TEST(JsonRpc, deep_wide_and_long_requests_are_refused) {
    EXPECT_EQ(code_of(std::string(100'000, '[')), -32700);
    std::string deep = R"({"jsonrpc":"2.0","id":1,"method":"m","params":)";
    deep += std::string(kRpcDepthMax, '[') + std::string(kRpcDepthMax, ']') + "}";
    EXPECT_EQ(code_of(deep), -32700);
    std::string wide = "[0";
    for (std::size_t i = 0; i < kRpcBatchMax; ++i) wide += ",0";
    EXPECT_EQ(code_of(wide + "]"), -32600);
    // Each pair of brackets becomes a value of 24 bytes: more than a request may take in memory.
    std::string bomb = "[[]";
    while (bomb.size() + 4 < kRpcBodyMax) bomb += ",[]";
    EXPECT_EQ(code_of(bomb + "]"), -32600);
    EXPECT_EQ(code_of(std::string(kRpcBodyMax + 1, ' ')), -32600);
}

TEST(JsonRpc, a_batch_stops_growing_at_its_limit) {
    const std::size_t half = kRpcAnswerMax / 2 + 1;
    const RpcMethod large = [&](const RpcCall&) { return RpcResult(std::string(half, 'x')); };
    std::string batch;
    for (int i = 0; i < 5; ++i) {
        batch += i == 0 ? "[" : ",";
        batch += R"({"jsonrpc":"2.0","method":"m","id":)" + std::to_string(i) + "}";
    }
    const auto text = answer_rpc(batch + "]", large);
    EXPECT_LT(text.size(), 2 * half + 2000);
    const auto answers = json::parse(text).as_array();
    ASSERT_EQ(answers.size(), 5u);
    EXPECT_TRUE(answers[1].as_object().contains("result"));
    for (std::size_t i = 2; i < 5; ++i) {
        EXPECT_EQ(answers[i].at("id"), i);
        EXPECT_EQ(answers[i].at("error").at("message"), "response too large");
    }
}

}  // namespace
}  // namespace mutirao::gateway
