#include <boost/json.hpp>

#include "gateway/openai.hpp"
#include "gateway/text.hpp"

namespace mutirao::gateway {

ApiError to_api_error(const Error& error) {
    const auto make = [&](int status, const char* type, const char* code) {
        return ApiError{status, type, code, "", error.message};
    };
    switch (error.kind) {
        case ErrorKind::invalid_argument: return make(400, "invalid_request_error", "");
        case ErrorKind::permission_denied:
            return make(401, "invalid_request_error", "invalid_api_key");
        case ErrorKind::insufficient_funds:
            return make(402, "insufficient_quota", "insufficient_quota");
        case ErrorKind::not_found: return make(404, "invalid_request_error", "model_not_found");
        case ErrorKind::already_exists: return make(409, "invalid_request_error", "");
        case ErrorKind::resource_exhausted:
            return make(429, "rate_limit_error", "rate_limit_exceeded");
        case ErrorKind::unimplemented: return make(501, "server_error", "not_implemented");
        case ErrorKind::corrupt: return make(502, "server_error", "bad_answer");
        case ErrorKind::unavailable: return make(503, "server_error", "service_unavailable");
        case ErrorKind::timeout: return make(504, "server_error", "timeout");
        case ErrorKind::io: break;
    }
    return make(500, "server_error", "internal_error");
}

std::string error_json(const ApiError& error) {
    const auto text_or_null = [](const std::string& text) {
        return text.empty() ? boost::json::value(nullptr) : boost::json::value(valid_utf8(text));
    };
    boost::json::object inner;
    inner["message"] = valid_utf8(error.message);
    inner["type"] = error.type;
    inner["param"] = text_or_null(error.param);
    inner["code"] = text_or_null(error.code);
    boost::json::object outer;
    outer["error"] = std::move(inner);
    return boost::json::serialize(outer);
}

}  // namespace mutirao::gateway
