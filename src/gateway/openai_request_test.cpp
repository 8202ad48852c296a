#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "gateway/openai.hpp"

namespace mutirao::gateway {
namespace {

tl::expected<ParsedRequest, ApiError> completion(std::string_view body) {
    return parse_request(Face::completion, body);
}
tl::expected<ParsedRequest, ApiError> chat(std::string_view body) {
    return parse_request(Face::chat, body);
}

// A completion request with one more field.
tl::expected<ParsedRequest, ApiError> with(const std::string& field) {
    return completion(R"({"model":"m","prompt":"p",)" + field + "}");
}

void expect_refused(const tl::expected<ParsedRequest, ApiError>& result, std::string_view param) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().status, 400);
    EXPECT_EQ(result.error().type, "invalid_request_error");
    EXPECT_EQ(result.error().param, param);
    EXPECT_FALSE(result.error().message.empty());
}

TEST(CompletionRequest, reads_every_field) {
    const auto request = completion(
        R"({"model":"mutirao/açaí 1","prompt":"Olá, São João","max_tokens":7,"temperature":0.7,)"
        R"("seed":42,"top_k":40,"stream":true,"stream_options":{"include_usage":true}})");
    ASSERT_TRUE(request.has_value()) << request.error().message;
    EXPECT_EQ(request->model, "mutirao/açaí 1");
    EXPECT_EQ(as_text(request->prompt), "Olá, São João");
    EXPECT_EQ(request->max_tokens, 7u);
    EXPECT_EQ(request->temperature_milli, 700u);
    EXPECT_EQ(request->seed, 42u);
    EXPECT_EQ(request->top_k, 40u);
    EXPECT_TRUE(request->stream);
    EXPECT_TRUE(request->usage_chunk);
}

TEST(CompletionRequest, has_defaults) {
    const auto request = completion(R"({"model":"m","prompt":"p","seed":null,"user":"x"})");
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->max_tokens, kTokensDefault);
    EXPECT_EQ(request->temperature_milli, 1000u);
    EXPECT_EQ(request->top_k, 0u);
    EXPECT_FALSE(request->seed.has_value());
    EXPECT_FALSE(request->stream);
    EXPECT_FALSE(request->usage_chunk);
}

TEST(CompletionRequest, becomes_a_request_to_a_provider) {
    Digest model;
    model.bytes.fill(9);
    const auto drawn = completion(R"({"model":"m","prompt":"p"})")->for_model(model, 77);
    EXPECT_EQ(drawn.model, model);
    EXPECT_EQ(drawn.seed, 77u);
    EXPECT_TRUE(drawn.validate().ok());
    const auto given = completion(R"({"model":"m","prompt":"p","seed":5})")->for_model(model, 77);
    EXPECT_EQ(given.seed, 5u);
}

TEST(CompletionRequest, takes_a_list_with_one_prompt_only) {
    EXPECT_EQ(as_text(completion(R"({"model":"m","prompt":["p"]})")->prompt), "p");
    expect_refused(completion(R"({"model":"m","prompt":["p","q"]})"), "prompt");
    expect_refused(completion(R"({"model":"m","prompt":[1,2]})"), "prompt");
    expect_refused(completion(R"({"model":"m","prompt":[]})"), "prompt");
    expect_refused(completion(R"({"model":"m","prompt":""})"), "prompt");
    expect_refused(completion(R"({"model":"m"})"), "prompt");
}

TEST(CompletionRequest, refuses_what_is_no_json_object) {
    for (const std::string body :
         {"", "{", "[]", "\"x\"", "null", "{\"model\":\"m\",}", "{\"model\":\"\xC3\"}", "NaN",
          "{\"model\":\"m\",\"prompt\":\"p\"} x"})
        expect_refused(completion(body), "");
}

TEST(CompletionRequest, refuses_deep_nesting) {
    const auto nested = [](std::size_t depth) {
        return R"({"model":"m","prompt":"p","user":)" + std::string(depth, '[') +
               std::string(depth, ']') + "}";
    };
    EXPECT_TRUE(completion(nested(kJsonDepthMax - 1)).has_value());
    expect_refused(completion(nested(kJsonDepthMax)), "");
    expect_refused(completion(nested(100'000)), "");
}

TEST(CompletionRequest, refuses_long_bodies_names_and_prompts) {
    const auto prompt = [](std::size_t size) {
        return R"({"model":"m","prompt":")" + std::string(size, 'a') + "\"}";
    };
    EXPECT_TRUE(completion(prompt(compute::kPromptMax)).has_value());
    const auto over = completion(prompt(compute::kPromptMax + 1));
    expect_refused(over, "prompt");
    EXPECT_EQ(over.error().code, "context_length_exceeded");
    const auto huge = completion(prompt(kBodyMax));
    ASSERT_FALSE(huge.has_value());
    EXPECT_EQ(huge.error().status, 413);

    const auto model = [](std::size_t size) {
        return R"({"prompt":"p","model":")" + std::string(size, 'a') + "\"}";
    };
    EXPECT_TRUE(completion(model(kModelNameMax)).has_value());
    expect_refused(completion(model(kModelNameMax + 1)), "model");
    expect_refused(completion(model(0)), "model");
    expect_refused(completion(R"({"prompt":"p","model":7})"), "model");
    expect_refused(completion(R"({"prompt":"p"})"), "model");
}

TEST(CompletionRequest, holds_numbers_to_their_limits) {
    EXPECT_EQ(with(R"("max_tokens":2048)")->max_tokens, 2048u);
    for (const auto* bad : {"0", "-1", "2049", "4294967297", "1.5", "1e999", "1e3", "\"7\"", "true",
                            "18446744073709551616", "99999999999999999999999999999999999"})
        expect_refused(with(std::string(R"("max_tokens":)") + bad), "max_tokens");

    EXPECT_EQ(with(R"("temperature":0)")->temperature_milli, 0u);
    EXPECT_EQ(with(R"("temperature":2)")->temperature_milli, 2000u);
    EXPECT_EQ(with(R"("temperature":0.0004)")->temperature_milli, 0u);
    for (const auto* bad : {"-0.1", "2.001", "1e400", "-1e400", "\"1\"", "[]", "true"})
        expect_refused(with(std::string(R"("temperature":)") + bad), "temperature");

    EXPECT_EQ(with(R"("seed":18446744073709551615)")->seed, ~0ull);
    EXPECT_EQ(with(R"("seed":-1)")->seed, ~0ull);
    for (const auto* bad : {"18446744073709551616", "0.5", "\"1\""})
        expect_refused(with(std::string(R"("seed":)") + bad), "seed");

    for (const auto* bad : {"-1", "65537", "0.5"})
        expect_refused(with(std::string(R"("top_k":)") + bad), "top_k");
    expect_refused(with(R"("stream":1)"), "stream");
}

TEST(CompletionRequest, refuses_what_is_not_built_and_lets_its_neutral_value_pass) {
    for (const auto* neutral :
         {R"("n":1)", R"("n":null)", R"("best_of":1)", R"("stop":null)", R"("stop":[])",
          R"("echo":false)", R"("top_p":1)", R"("top_p":1.0)", R"("presence_penalty":0)",
          R"("frequency_penalty":0.0)", R"("logit_bias":{})", R"("tools":[])", R"("suffix":"")",
          R"("tool_choice":"none")", R"("logprobs":false)", R"("top_logprobs":0)",
          R"("response_format":{"type":"text"})", R"("modalities":["text"])"})
        EXPECT_TRUE(with(neutral).has_value()) << neutral;
    for (const auto& [param, field] : std::vector<std::pair<std::string, std::string>>{
             {"n", R"("n":2)"},
             {"n", R"("n":0)"},
             {"best_of", R"("best_of":3)"},
             {"stop", R"("stop":"\n")"},
             {"stop", R"("stop":["\n"])"},
             {"echo", R"("echo":true)"},
             {"top_p", R"("top_p":0.9)"},
             {"presence_penalty", R"("presence_penalty":0.5)"},
             {"logit_bias", R"("logit_bias":{"5":1})"},
             {"tools", R"("tools":[{"type":"function"}])"},
             {"logprobs", R"("logprobs":0)"},
             {"logprobs", R"("logprobs":true)"},
             {"response_format", R"("response_format":{"type":"json_object"})"},
             {"modalities", R"("modalities":["text","audio"])"}}) {
        const auto result = with(field);
        expect_refused(result, param);
        EXPECT_EQ(result.error().code, "unsupported_parameter");
        EXPECT_NE(result.error().message.find("not built yet"), std::string::npos);
    }
}

TEST(ChatRequest, joins_contents_with_one_empty_line) {
    const auto request =
        chat(R"({"model":"m","messages":[{"role":"system","content":"A"},)"
             R"({"role":"user","content":[{"type":"text","text":"B"},{"type":"text","text":"C"}]},)"
             R"({"role":"assistant","content":"D"},{"role":"user","content":"E"}]})");
    ASSERT_TRUE(request.has_value()) << request.error().message;
    EXPECT_EQ(as_text(request->prompt), "A\n\nB\n\nC\n\nD\n\nE");
}

TEST(ChatRequest, with_one_message_asks_what_the_prompt_asks) {
    const auto one = chat(R"({"model":"m","messages":[{"role":"user","content":"Olá"}]})");
    const auto same = completion(R"({"model":"m","prompt":"Olá"})");
    EXPECT_EQ(one->for_model({}, 1), same->for_model({}, 1));
}

TEST(ChatRequest, takes_the_newer_name_of_max_tokens) {
    const std::string start = R"({"model":"m","messages":[{"role":"user","content":"x"}],)";
    EXPECT_EQ(chat(start + R"("max_completion_tokens":5,"max_tokens":9})")->max_tokens, 5u);
    EXPECT_EQ(chat(start + R"("max_tokens":9})")->max_tokens, 9u);
    expect_refused(chat(start + R"("max_completion_tokens":0})"), "max_completion_tokens");
}

TEST(ChatRequest, refuses_malformed_messages) {
    const auto messages = [](const std::string& list) {
        return chat(R"({"model":"m","messages":)" + list + "}");
    };
    for (const auto* bad : {"[]", "null", "{}", "\"x\"", "7"})
        expect_refused(messages(bad), "messages");
    for (const auto* bad : {"[7]", R"([{"content":"x"}])", R"([{"role":"tool","content":"x"}])",
                            R"([{"role":7,"content":"x"}])"})
        expect_refused(messages(bad), "messages[0]");
    for (const auto* bad :
         {R"([{"role":"user"}])", R"([{"role":"user","content":null}])",
          R"([{"role":"user","content":[7]}])", R"([{"role":"user","content":{"text":"x"}}])",
          R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])",
          R"([{"role":"user","content":[{"type":"text","text":7}]}])"})
        expect_refused(messages(bad), "messages[0].content");
    expect_refused(messages(R"([{"role":"user","content":""}])"), "messages");

    std::string many = "[";
    for (std::size_t i = 0; i <= kMessagesMax; ++i) many += R"({"role":"user","content":"x"},)";
    many.back() = ']';
    expect_refused(messages(many), "messages");
}

}  // namespace
}  // namespace mutirao::gateway
