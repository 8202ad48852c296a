#include "gateway/routes.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "gateway/metrics.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;
using net::HttpRequest;
using net::HttpResponse;

class FakeRoute final : public InferenceRoute {
  public:
    Result<InferenceAnswer> infer(std::string_view api_key, const ParsedRequest& request) override {
        last_key = api_key;
        last_prompt = as_text(request.prompt);
        if (failure) return *failure;
        InferenceAnswer answer;
        answer.output = to_bytes(as_bytes("resposta"));
        answer.receipt_hex = "00";
        return answer;
    }
    std::vector<ModelCard> models() override { return {{"São João/1", "ab12", "0x1", 5, "1 MUT"}}; }

    std::string last_key, last_prompt;
    std::optional<Error> failure;
};

class FakeStatus final : public NetworkStatus {
  public:
    StatusSnapshot snapshot() override {
        StatusSnapshot out;
        out.network = "rede de teste";
        out.training = TrainingStatus{"run", "running", {{1, 5.5, {}}}, 0, 0, 0};
        return out;
    }
};

class RoutesTest : public testing::Test {
  protected:
    HttpResponse ask(std::string method, std::string target, std::string body = "",
                     std::vector<net::HttpHeader> headers = {}) {
        return handler_(
            {std::move(method), std::move(target), std::move(headers), std::move(body)});
    }
    static std::string header(const HttpResponse& response, std::string_view name) {
        for (const auto& header : response.headers)
            if (header.name == name) return header.value;
        return "";
    }

    FakeRoute route_;
    FakeStatus status_;
    net::HttpHandler handler_ = make_routes(route_, status_);
};

const std::string kBody = R"({"model":"m","prompt":"Olá"})";
const std::string kChatBody = R"({"model":"m","messages":[{"role":"user","content":"Oi"}]})";

TEST_F(RoutesTest, serve_the_status_in_three_forms) {
    const auto page = ask("GET", "/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
    EXPECT_NE(page.body.find("lang=\"pt-BR\""), std::string::npos);
    EXPECT_NE(header(page, "Content-Security-Policy").find("default-src 'none'"),
              std::string::npos);
    const auto english = ask("GET", "/?x=1", "", {{"accept-language", "en-US"}});
    EXPECT_NE(english.body.find("lang=\"en\""), std::string::npos);
    const auto facts = ask("GET", "/api/status");
    EXPECT_EQ(facts.content_type, "application/json");
    EXPECT_EQ(json::parse(facts.body).at("network"), "rede de teste");
    const auto chart = ask("GET", "/loss.svg");
    EXPECT_EQ(chart.content_type, "image/svg+xml");
    EXPECT_TRUE(chart.body.starts_with("<svg"));
    EXPECT_EQ(ask("GET", "/healthz").body, "ok\n");
    const auto metrics = ask("GET", "/metrics");
    EXPECT_TRUE(metrics.content_type.starts_with("text/plain; version=0.0.4"));
    EXPECT_NE(metrics.body.find("mutirao_training_round{run=\"run\"} 1\n"), std::string::npos);
}

TEST_F(RoutesTest, head_answers_like_get) {
    for (const auto* path :
         {"/", "/api/status", "/metrics", "/loss.svg", "/healthz", "/v1/models"}) {
        EXPECT_EQ(ask("HEAD", path).status, 200) << path;
        EXPECT_EQ(ask("HEAD", path).content_type, ask("GET", path).content_type) << path;
    }
    EXPECT_EQ(ask("HEAD", "/none").status, 404);
    EXPECT_EQ(ask("HEAD", "/v1/completions").status, 405);
}

TEST_F(RoutesTest, answer_completions_and_chats) {
    const auto completion =
        ask("POST", "/v1/completions", kBody, {{"Authorization", "Bearer sk-1"}});
    EXPECT_EQ(completion.status, 200);
    EXPECT_EQ(json::parse(completion.body).at_pointer("/choices/0/text"), "resposta");
    EXPECT_EQ(route_.last_key, "sk-1");
    EXPECT_EQ(route_.last_prompt, "Olá");
    const auto chat = ask("POST", "/v1/chat/completions", kChatBody);
    EXPECT_EQ(json::parse(chat.body).at_pointer("/choices/0/message/content"), "resposta");
    EXPECT_EQ(route_.last_key, "");
}

TEST_F(RoutesTest, read_the_bearer_token_only) {
    for (const auto& [value, key] : std::vector<std::pair<std::string, std::string>>{
             {"bearer k", "k"}, {"BEARER   k", "k"}, {"Basic k", ""}, {"Bearer", ""}, {"", ""}}) {
        ask("POST", "/v1/completions", kBody, {{"authorization", value}});
        EXPECT_EQ(route_.last_key, key) << value;
    }
}

TEST_F(RoutesTest, stream_when_asked) {
    const auto response = ask("POST", "/v1/chat/completions",
                              R"({"model":"m","messages":[{"role":"user","content":"Oi"}],)"
                              R"("stream":true})");
    EXPECT_EQ(response.content_type, "text/event-stream; charset=utf-8");
    EXPECT_TRUE(response.body.starts_with("data: {"));
    EXPECT_TRUE(response.body.ends_with("data: [DONE]\n\n"));
}

TEST_F(RoutesTest, give_every_failure_its_status_and_openais_shape) {
    for (const auto& [kind, status] :
         std::vector<std::pair<ErrorKind, int>>{{ErrorKind::permission_denied, 401},
                                                {ErrorKind::insufficient_funds, 402},
                                                {ErrorKind::not_found, 404},
                                                {ErrorKind::resource_exhausted, 429},
                                                {ErrorKind::unavailable, 503}}) {
        route_.failure = Error{kind, "porque não"};
        const auto response = ask("POST", "/v1/completions", kBody);
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(json::parse(response.body).at_pointer("/error/message"), "porque não");
        EXPECT_EQ(header(response, "Retry-After"), status == 429 || status == 503 ? "1" : "");
        EXPECT_EQ(header(response, "WWW-Authenticate"), status == 401 ? "Bearer" : "");
    }
}

TEST_F(RoutesTest, do_not_pass_on_what_they_refuse) {
    const auto bad = ask("POST", "/v1/completions", "{");
    EXPECT_EQ(bad.status, 400);
    EXPECT_EQ(json::parse(bad.body).at_pointer("/error/type"), "invalid_request_error");
    const auto large = ask("POST", "/v1/completions", std::string(kBodyMax + 1, ' '));
    EXPECT_EQ(large.status, 413);
    EXPECT_EQ(route_.last_prompt, "");
}

TEST_F(RoutesTest, list_models_and_find_one_by_name_or_id) {
    EXPECT_EQ(json::parse(ask("GET", "/v1/models").body).at_pointer("/data/0/id"), "São João/1");
    for (const auto* path : {"/v1/models/S%C3%A3o%20Jo%C3%A3o/1", "/v1/models/ab12"})
        EXPECT_EQ(json::parse(ask("GET", path).body).at("id"), "São João/1") << path;
    for (const auto* path : {"/v1/models/", "/v1/models/other", "/v1/models/%", "/v1/models/%zz",
                             "/v1/models/%1", "/v1/models/%0xff"}) {
        const auto response = ask("GET", path);
        EXPECT_EQ(response.status, 404) << path;
        EXPECT_TRUE(json::parse(response.body).at_pointer("/error/message").is_string());
    }
}

TEST_F(RoutesTest, name_what_is_not_built) {
    for (const auto& [path, name] :
         std::vector<std::pair<std::string, std::string>>{{"/s3/bucket/key", "S3"},
                                                          {"/s3", "S3"},
                                                          {"/put", "alt-DA"},
                                                          {"/get/0x00", "alt-DA"},
                                                          {"/ingest", "ingest"},
                                                          {"/console", "console"}}) {
        for (const auto* method : {"GET", "POST", "PUT", "HEAD", "DELETE"}) {
            const auto response = ask(method, path);
            EXPECT_EQ(response.status, 501) << path;
            const auto message = json::parse(response.body).at_pointer("/error/message");
            EXPECT_NE(message.as_string().find(name), json::string::npos) << message;
        }
    }
}

TEST_F(RoutesTest, refuse_unknown_paths_and_wrong_methods) {
    for (const auto* path :
         {"/none", "/v1", "/v1/completions/", "/s3x", "/api", "//", "*", "", "x"})
        EXPECT_EQ(ask("GET", path).status, 404) << path;
    const auto wrong = ask("DELETE", "/");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(header(wrong, "Allow"), "GET, HEAD, OPTIONS");
    const auto get = ask("GET", "/v1/completions");
    EXPECT_EQ(get.status, 405);
    EXPECT_EQ(header(get, "Allow"), "POST, OPTIONS");
    EXPECT_EQ(ask("POST", "/api/status").status, 405);
    const auto options = ask("OPTIONS", "/v1/completions");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(header(options, "Allow"), "POST, OPTIONS");
}

TEST(MetricsRoutes, have_figures_and_nothing_else) {
    const auto handler = make_metrics_routes([] { return std::string("mutirao_x 1\n"); });
    const auto ask = [&](std::string method, std::string target) {
        return handler({std::move(method), std::move(target), {}, {}});
    };
    const auto figures = ask("GET", "/metrics");
    EXPECT_EQ(figures.status, 200);
    EXPECT_EQ(figures.content_type, kMetricsType);
    EXPECT_EQ(figures.body, "mutirao_x 1\n");
    EXPECT_EQ(ask("GET", "/healthz").status, 200);
    EXPECT_EQ(ask("GET", "/").status, 404);
    EXPECT_EQ(ask("POST", "/metrics").status, 405);
}

}  // namespace
}  // namespace mutirao::gateway
