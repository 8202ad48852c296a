#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "gateway/openai.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

ParsedRequest request(Face face) {
    ParsedRequest out;
    out.face = face;
    out.model = "açaí \"1\" <b>";
    out.max_tokens = 100;
    return out;
}

InferenceAnswer answer(std::string_view text) {
    InferenceAnswer out;
    out.output = to_bytes(as_bytes(text));
    out.prompt_tokens = 5;
    out.output_tokens = 7;
    out.model = "ab12";
    out.seed = ~0ull;
    out.created_unix_s = 1'700'000'000;
    out.receipt_hex = "00ff";
    out.request_hex = "01";
    out.voucher_hex = "02";
    out.cost = "0.0012 MUT";
    return out;
}

// The JSON of every event but the last, which must be [DONE].
std::vector<json::value> events(std::string_view stream) {
    std::vector<json::value> out;
    constexpr std::string_view kEnd = "data: [DONE]\n\n";
    EXPECT_TRUE(stream.ends_with(kEnd));
    stream.remove_suffix(kEnd.size());
    while (!stream.empty()) {
        const auto end = stream.find("\n\n");
        const auto event = stream.substr(0, end);
        EXPECT_TRUE(event.starts_with("data: ")) << event;
        out.push_back(json::parse(event.substr(6)));
        stream.remove_prefix(end + 2);
    }
    return out;
}

TEST(CompletionAnswer, has_openais_shape) {
    const auto out =
        json::parse(answer_json(request(Face::completion), answer("Olá \"mundo\"\n"))).as_object();
    EXPECT_TRUE(out.at("id").as_string().starts_with("cmpl-"));
    EXPECT_EQ(out.at("object"), "text_completion");
    EXPECT_EQ(out.at("created"), 1'700'000'000);
    EXPECT_EQ(out.at("model"), "açaí \"1\" <b>");
    ASSERT_EQ(out.at("choices").as_array().size(), 1u);
    const auto& choice = out.at("choices").as_array()[0].as_object();
    EXPECT_EQ(choice.at("text"), "Olá \"mundo\"\n");
    EXPECT_EQ(choice.at("index"), 0);
    EXPECT_TRUE(choice.at("logprobs").is_null());
    EXPECT_EQ(choice.at("finish_reason"), "stop");
    EXPECT_EQ(out.at("usage"),
              (json::object{{"prompt_tokens", 5}, {"completion_tokens", 7}, {"total_tokens", 12}}));
    EXPECT_EQ(out.at("mutirao"), (json::object{{"model_id", "ab12"},
                                               {"seed", "18446744073709551615"},
                                               {"cost", "0.0012 MUT"},
                                               {"receipt", "00ff"},
                                               {"request", "01"},
                                               {"voucher", "02"}}));
}

TEST(ChatAnswer, has_openais_shape) {
    const auto out = json::parse(answer_json(request(Face::chat), answer("Oi"))).as_object();
    EXPECT_TRUE(out.at("id").as_string().starts_with("chatcmpl-"));
    EXPECT_EQ(out.at("object"), "chat.completion");
    const auto& choice = out.at("choices").as_array().at(0).as_object();
    EXPECT_EQ(choice.at("message"), (json::object{{"role", "assistant"}, {"content", "Oi"}}));
    EXPECT_EQ(choice.at("finish_reason"), "stop");
}

TEST(Answer, ends_for_length_when_every_token_was_used) {
    auto asked = request(Face::completion);
    asked.max_tokens = 7;
    const auto out = json::parse(answer_json(asked, answer("x")));
    EXPECT_EQ(out.at_pointer("/choices/0/finish_reason"), "length");
}

// The receipt is for the exact bytes, so a client that checks it needs them when the text is not.
TEST(Answer, carries_the_exact_bytes_when_they_are_not_utf8) {
    const auto out = json::parse(answer_json(request(Face::completion), answer("a\xFF")));
    EXPECT_EQ(out.at_pointer("/choices/0/text"), "a\xEF\xBF\xBD");
    EXPECT_EQ(out.at_pointer("/mutirao/output_hex"), "61ff");
}

TEST(Answer, has_an_id_that_names_the_receipt) {
    const auto id = [](const InferenceAnswer& from) {
        return json::parse(answer_json(request(Face::chat), from)).at("id").as_string();
    };
    auto other = answer("x");
    other.receipt_hex = "00fe";
    EXPECT_EQ(id(answer("x")), id(answer("x")));
    EXPECT_NE(id(answer("x")), id(other));
}

TEST(ChatStream, opens_with_the_role_and_ends_with_usage) {
    const std::string text = "Uma resposta comprida, com acentuação, que não cabe num só pedaço. 😀";
    const auto out = events(answer_events(request(Face::chat), answer(text)));
    ASSERT_GE(out.size(), 4u);
    EXPECT_EQ(out.front().at_pointer("/choices/0/delta/role"), "assistant");
    std::string joined;
    for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(out[i].at("object"), "chat.completion.chunk");
        EXPECT_EQ(out[i].at("id"), out[0].at("id"));
        const auto& choice = out[i].at("choices").as_array().at(0).as_object();
        const auto& delta = choice.at("delta").as_object();
        if (const auto* piece = delta.if_contains("content")) joined += piece->as_string();
        const bool last = i + 1 == out.size();
        EXPECT_EQ(choice.at("finish_reason").is_null(), !last);
        EXPECT_EQ(out[i].as_object().contains("usage"), last);
        EXPECT_EQ(out[i].as_object().contains("mutirao"), last);
    }
    EXPECT_EQ(joined, text);
    EXPECT_EQ(out.back().at_pointer("/usage/total_tokens"), 12);
}

TEST(CompletionStream, sends_the_text_in_pieces) {
    const std::string text(1000, 'x');
    const auto out = events(answer_events(request(Face::completion), answer(text)));
    std::string joined;
    for (const auto& event : out) joined += event.at_pointer("/choices/0/text").as_string();
    EXPECT_EQ(joined, text);
    EXPECT_GT(out.size(), 10u);
    EXPECT_EQ(out.back().at_pointer("/choices/0/finish_reason"), "stop");
}

TEST(Stream, sends_usage_in_a_chunk_of_its_own_when_asked) {
    auto asked = request(Face::chat);
    asked.usage_chunk = true;
    const auto out = events(answer_events(asked, answer("Oi")));
    EXPECT_TRUE(out.back().at("choices").as_array().empty());
    EXPECT_EQ(out.back().at_pointer("/usage/prompt_tokens"), 5);
    EXPECT_EQ(out[out.size() - 2].at_pointer("/choices/0/finish_reason"), "stop");
    EXPECT_FALSE(out[out.size() - 2].as_object().contains("usage"));
}

TEST(Stream, of_an_empty_answer_still_ends) {
    EXPECT_EQ(events(answer_events(request(Face::completion), answer(""))).size(), 1u);
    EXPECT_EQ(events(answer_events(request(Face::chat), answer(""))).size(), 2u);
}

TEST(ApiErrors, have_openais_shape_and_status) {
    const auto check = [](ErrorKind kind, int status, std::string_view code) {
        const auto error = to_api_error(Error{kind, "sentença \xFF"});
        EXPECT_EQ(error.status, status);
        const auto out = json::parse(error_json(error));
        EXPECT_EQ(out.at_pointer("/error/message"), "sentença \xEF\xBF\xBD");
        EXPECT_TRUE(out.at_pointer("/error/type").is_string());
        EXPECT_TRUE(out.at_pointer("/error/param").is_null());
        if (code.empty())
            EXPECT_TRUE(out.at_pointer("/error/code").is_null());
        else
            EXPECT_EQ(out.at_pointer("/error/code").as_string(), code);
    };
    check(ErrorKind::invalid_argument, 400, "");
    check(ErrorKind::permission_denied, 401, "invalid_api_key");
    check(ErrorKind::insufficient_funds, 402, "insufficient_quota");
    check(ErrorKind::not_found, 404, "model_not_found");
    check(ErrorKind::already_exists, 409, "");
    check(ErrorKind::resource_exhausted, 429, "rate_limit_exceeded");
    check(ErrorKind::io, 500, "internal_error");
    check(ErrorKind::unimplemented, 501, "not_implemented");
    check(ErrorKind::corrupt, 502, "bad_answer");
    check(ErrorKind::unavailable, 503, "service_unavailable");
    check(ErrorKind::timeout, 504, "timeout");
}

TEST(ModelList, has_openais_shape) {
    const ModelCard card{"São \"Paulo\"", "ab", "0x01", 5, "1 MUT"};
    const auto out = json::parse(models_json({card}));
    EXPECT_EQ(out.at("object"), "list");
    EXPECT_EQ(out.at_pointer("/data/0/id"), "São \"Paulo\"");
    EXPECT_EQ(out.at_pointer("/data/0/object"), "model");
    EXPECT_EQ(out.at_pointer("/data/0/created"), 5);
    EXPECT_EQ(out.at_pointer("/data/0/owned_by"), "0x01");
    EXPECT_EQ(out.at_pointer("/data/0/mutirao/price"), "1 MUT");
    EXPECT_EQ(json::parse(model_json(card)), out.at_pointer("/data/0"));
    EXPECT_TRUE(json::parse(models_json({})).at("data").as_array().empty());
}

}  // namespace
}  // namespace mutirao::gateway
