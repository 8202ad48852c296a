#include "gateway/routes.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "gateway/metrics.hpp"

namespace mutirao::gateway {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr std::string_view kJson = "application/json";

HttpResponse reply(int status, std::string_view content_type, std::string body) {
    HttpResponse response;
    response.status = status;
    response.content_type = content_type;
    response.body = std::move(body);
    response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
    return response;
}

HttpResponse reply(const ApiError& error) {
    auto response = reply(error.status, kJson, error_json(error));
    if (error.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
    if (error.status == 429 || error.status == 503)
        response.headers.push_back({"Retry-After", "1"});
    return response;
}

HttpResponse not_found(std::string message) {
    return reply(ApiError{404, "invalid_request_error", "not_found", "", std::move(message)});
}

// The token of "Authorization: Bearer TOKEN"; empty when there is none.
std::string_view api_key(const HttpRequest& request) {
    constexpr std::string_view kScheme = "bearer ";
    auto value = request.header("Authorization");
    if (value.size() < kScheme.size()) return {};
    for (std::size_t i = 0; i < kScheme.size(); ++i)
        if (std::tolower(static_cast<unsigned char>(value[i])) != kScheme[i]) return {};
    value.remove_prefix(kScheme.size());
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
}

// RFC 3986 percent-decoding; nothing when a '%' has no two digits after it.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const auto byte = from_hex(text.substr(i + 1, 2));
        if (!byte.ok() || byte->size() != 1) return std::nullopt;
        out.push_back(static_cast<char>(byte->front()));
        i += 2;
    }
    return out;
}

constexpr std::string_view kReading = "GET, HEAD, OPTIONS";

bool only_reads(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

HttpResponse wrong_method(const HttpRequest& request, std::string_view allowed) {
    auto response = request.method == "OPTIONS"
                        ? reply(204, kJson, "")
                        : reply(ApiError{405, "invalid_request_error", "method_not_allowed", "",
                                         "this path answers to " + std::string(allowed)});
    response.headers.push_back({"Allow", std::string(allowed)});
    return response;
}

HttpResponse healthy() { return reply(200, "text/plain; charset=utf-8", "ok\n"); }

bool is_under(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

struct NotBuilt {
    std::string_view folder;
    std::string_view name;
};
constexpr std::array kNotBuilt = {
    NotBuilt{"/s3", "the S3 interface"},
    NotBuilt{"/put", "the alt-DA interface"},
    NotBuilt{"/get", "the alt-DA interface"},
    NotBuilt{"/ingest", "the device data (ingest) interface"},
    NotBuilt{"/console", "the web console"},
};

constexpr std::string_view kModelsFolder = "/v1/models/";

// Everything the handler needs: two borrowed ports, cheap to copy.
class Routes {
  public:
    Routes(InferenceRoute& inference, NetworkStatus& status)
        : inference_(inference), status_(status) {}

    HttpResponse answer(const HttpRequest& request) const {
        const auto path = request.path();
        for (const auto& face : kNotBuilt)
            if (is_under(path, face.folder)) return not_built(face);
        const bool post = path == "/v1/completions" || path == "/v1/chat/completions";
        if (!post && !is_page(path)) return not_found("there is nothing at this path");
        if (post ? request.method == "POST" : only_reads(request))
            return post ? infer(request) : page(request, path);
        return wrong_method(request, post ? "POST, OPTIONS" : kReading);
    }

  private:
    static bool is_page(std::string_view path) {
        static constexpr std::array kPages = {"/",         "/api/status", "/metrics",
                                              "/loss.svg", "/healthz",    "/v1/models"};
        return path.starts_with(kModelsFolder) ||
               std::find(kPages.begin(), kPages.end(), path) != kPages.end();
    }

    static HttpResponse not_built(const NotBuilt& face) {
        return reply(ApiError{
            501, "server_error", "not_implemented", "",
            std::string(face.name) + " (" + std::string(face.folder) + ") is not built yet"});
    }

    HttpResponse page(const HttpRequest& request, std::string_view path) const {
        const auto language = choose_language(request.header("Accept-Language"));
        if (path == "/healthz") return healthy();
        if (path == "/api/status") return reply(200, kJson, status_json(status_.snapshot()));
        if (path == "/metrics") return reply(200, kMetricsType, metrics_text(status_.snapshot()));
        if (path == "/v1/models") return reply(200, kJson, models_json(inference_.models()));
        if (path.starts_with(kModelsFolder)) return one_model(path.substr(kModelsFolder.size()));
        auto response =
            path == "/loss.svg"
                ? reply(200, "image/svg+xml", status_chart(status_.snapshot(), language))
                : reply(200, "text/html; charset=utf-8", status_page(status_.snapshot(), language));
        // Escaping is what keeps foreign names from being markup; this is the second lock.
        response.headers.push_back({"Content-Security-Policy",
                                    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                                    "frame-ancestors 'none'"});
        response.headers.push_back({"Vary", "Accept-Language"});
        return response;
    }

    HttpResponse one_model(std::string_view encoded) const {
        const auto name = percent_decoded(encoded);
        if (!name) return not_found("a model's name is percent-encoded; this one is not");
        for (const auto& model : inference_.models())
            if (model.name == *name || model.id == *name)
                return reply(200, kJson, model_json(model));
        return reply(
            to_api_error(Error{ErrorKind::not_found, "there is no model '" + *name + "'"}));
    }

    HttpResponse infer(const HttpRequest& request) const {
        const auto face = request.path() == "/v1/completions" ? Face::completion : Face::chat;
        const auto parsed = parse_request(face, request.body);
        if (!parsed) return reply(parsed.error());
        const auto answer = inference_.infer(api_key(request), *parsed);
        if (!answer.ok()) return reply(to_api_error(answer.error()));
        return parsed->stream
                   ? reply(200, "text/event-stream; charset=utf-8", answer_events(*parsed, *answer))
                   : reply(200, kJson, answer_json(*parsed, *answer));
    }

    InferenceRoute& inference_;
    NetworkStatus& status_;
};

}  // namespace

net::HttpHandler make_routes(InferenceRoute& inference, NetworkStatus& status) {
    return [routes = Routes(inference, status)](const HttpRequest& request) {
        return routes.answer(request);
    };
}

net::HttpHandler make_metrics_routes(std::function<std::string()> metrics) {
    return [metrics = std::move(metrics)](const HttpRequest& request) {
        const bool figures = request.path() == "/metrics";
        if (!figures && request.path() != "/healthz")
            return not_found("there is nothing at this path; /metrics has this node's figures");
        if (!only_reads(request)) return wrong_method(request, kReading);
        return figures ? reply(200, kMetricsType, metrics()) : healthy();
    };
}

}  // namespace mutirao::gateway
