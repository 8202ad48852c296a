#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "gateway/openai.hpp"
#include "gateway/text.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

ApiError bad_request(std::string param, std::string message, std::string code = "") {
    return {400, "invalid_request_error", std::move(code), std::move(param), std::move(message)};
}

// Fields of OpenAI's that change an answer in ways that are not built. Their neutral values pass.
constexpr std::array kRefused = {
    "n",          "best_of", "stop",       "logprobs",          "top_logprobs",
    "echo",       "suffix",  "top_p",      "frequency_penalty", "presence_penalty",
    "logit_bias", "tools",   "functions",  "tool_choice",       "function_call",
    "modalities", "audio",   "prediction", "response_format",   "web_search_options",
};

bool is_neutral(std::string_view name, const json::value& value) {
    if (value.is_null()) return true;
    if (const auto* flag = value.if_bool()) return !*flag;
    if (const auto* text = value.if_string())
        return text->empty() || *text == "none" || *text == "auto";
    if (const auto* list = value.if_array())
        return list->empty() || (name == "modalities" && *list == json::array{"text"});
    if (const auto* object = value.if_object())
        return object->empty() || *object == json::object{{"type", "text"}};
    const bool one = name == "n" || name == "best_of" || name == "top_p";
    return name != "logprobs" && value.to_number<double>() == (one ? 1.0 : 0.0);
}

// Reads fields of one object; the first failure is kept and everything after it is a default.
class Fields {
  public:
    explicit Fields(const json::object& object) : object_(object) {}

    // Null counts as absent.
    const json::value* find(std::string_view name) const {
        const auto* value = object_.if_contains(name);
        return value == nullptr || value->is_null() ? nullptr : value;
    }

    void fail(ApiError error) {
        if (!error_) error_ = std::move(error);
    }

    std::string text(std::string_view name, std::size_t size_max) {
        const auto* value = find(name);
        const auto* string = value == nullptr ? nullptr : value->if_string();
        if (string != nullptr && !string->empty() && string->size() <= size_max)
            return std::string(*string);
        fail(bad_request(std::string(name), "'" + std::string(name) + "' must be a text of 1 to " +
                                                std::to_string(size_max) + " bytes"));
        return {};
    }

    bool flag(std::string_view name) {
        const auto* value = find(name);
        if (value == nullptr) return false;
        if (const auto* set = value->if_bool()) return *set;
        fail(bad_request(std::string(name), "'" + std::string(name) + "' must be true or false"));
        return false;
    }

    std::uint32_t integer(std::string_view name, std::uint32_t fallback, std::uint32_t least,
                          std::uint32_t most) {
        const auto* value = find(name);
        if (value == nullptr) return fallback;
        if (const auto number = whole(*value); number && *number >= least && *number <= most)
            return static_cast<std::uint32_t>(*number);
        fail(bad_request(std::string(name), "'" + std::string(name) + "' must be an integer from " +
                                                std::to_string(least) + " to " +
                                                std::to_string(most)));
        return fallback;
    }

    std::optional<ApiError>& error() { return error_; }

    static std::optional<std::uint64_t> whole(const json::value& value) {
        if (const auto* number = value.if_uint64()) return *number;
        if (const auto* number = value.if_int64(); number != nullptr && *number >= 0)
            return static_cast<std::uint64_t>(*number);
        return std::nullopt;
    }

  private:
    const json::object& object_;
    std::optional<ApiError> error_;
};

std::uint32_t read_temperature_milli(Fields& fields, std::uint32_t fallback) {
    const auto* value = fields.find("temperature");
    if (value == nullptr) return fallback;
    if (value->is_number()) {
        const auto temperature = value->to_number<double>();
        // Written so that a number that is none fails as well.
        if (temperature >= 0 && temperature <= compute::kTemperatureMilliMax / 1000.0)
            return static_cast<std::uint32_t>(std::lround(temperature * 1000));
    }
    fields.fail(bad_request("temperature", "'temperature' must be a number from 0 to 2"));
    return fallback;
}

// Any 64-bit integer; a negative one stands for its two's complement.
std::optional<std::uint64_t> read_seed(Fields& fields) {
    const auto* value = fields.find("seed");
    if (value == nullptr) return std::nullopt;
    if (const auto* number = value->if_uint64()) return *number;
    if (const auto* number = value->if_int64()) return static_cast<std::uint64_t>(*number);
    fields.fail(bad_request("seed", "'seed' must be a 64-bit integer"));
    return std::nullopt;
}

// The text of a "prompt": a string, or a list with one string.
std::string read_prompt(Fields& fields) {
    const auto* value = fields.find("prompt");
    if (value != nullptr && value->is_array() && value->get_array().size() == 1)
        value = &value->get_array().front();
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    fields.fail(bad_request("prompt",
                            "'prompt' must be one text; lists of prompts and token "
                            "numbers are not built yet"));
    return {};
}

// The texts of one message, or nothing when its content is no text.
std::optional<std::vector<std::string_view>> message_texts(const json::value& content) {
    if (const auto* text = content.if_string()) return {{std::string_view(*text)}};
    const auto* parts = content.if_array();
    if (parts == nullptr) return std::nullopt;
    std::vector<std::string_view> texts;
    for (const auto& part : *parts) {
        const auto* object = part.if_object();
        const auto* type = object == nullptr ? nullptr : object->if_contains("type");
        const auto* text = object == nullptr ? nullptr : object->if_contains("text");
        if (type == nullptr || *type != "text" || text == nullptr || !text->is_string())
            return std::nullopt;
        texts.emplace_back(text->get_string());
    }
    return texts;
}

bool is_role(const json::value* role) {
    static constexpr std::array kRoles = {"system", "developer", "user", "assistant"};
    return role != nullptr && std::any_of(kRoles.begin(), kRoles.end(),
                                          [&](const char* known) { return *role == known; });
}

// The rule of openai.hpp: all texts in order, one empty line between them.
std::string render_messages(Fields& fields) {
    const auto* value = fields.find("messages");
    const auto* messages = value == nullptr ? nullptr : value->if_array();
    if (messages == nullptr || messages->empty() || messages->size() > kMessagesMax) {
        fields.fail(bad_request("messages", "'messages' must be a list of 1 to " +
                                                std::to_string(kMessagesMax) + " messages"));
        return {};
    }
    std::string prompt;
    bool first = true;
    for (std::size_t i = 0; i < messages->size(); ++i) {
        const auto name = "messages[" + std::to_string(i) + "]";
        const auto* message = (*messages)[i].if_object();
        if (message == nullptr || !is_role(message->if_contains("role"))) {
            fields.fail(bad_request(name, "'" + name +
                                              "' must be an object whose role is system, "
                                              "developer, user or assistant"));
            return {};
        }
        const auto* content = message->if_contains("content");
        const auto texts = content == nullptr ? std::nullopt : message_texts(*content);
        if (!texts) {
            fields.fail(bad_request(name + ".content",
                                    "'" + name + ".content' must be text or a list of text parts"));
            return {};
        }
        for (const auto text : *texts) {
            if (!first) prompt += "\n\n";
            prompt += text;
            first = false;
        }
    }
    return prompt;
}

void check_prompt(Fields& fields, std::string_view field, std::size_t size) {
    if (size == 0)
        fields.fail(bad_request(std::string(field), "the prompt is empty: nothing to go on"));
    if (size > compute::kPromptMax)
        fields.fail(bad_request(std::string(field),
                                "the prompt has " + std::to_string(size) + " bytes, the limit is " +
                                    std::to_string(compute::kPromptMax),
                                "context_length_exceeded"));
}

void refuse_what_is_not_built(Fields& fields) {
    for (const std::string_view name : kRefused) {
        const auto* value = fields.find(name);
        if (value != nullptr && !is_neutral(name, *value))
            fields.fail(bad_request(std::string(name),
                                    "'" + std::string(name) + "' is not built yet: leave it out",
                                    "unsupported_parameter"));
    }
}

}  // namespace

compute::InferenceRequest ParsedRequest::for_model(const Digest& digest,
                                                   std::uint64_t drawn_seed) const {
    return {digest, prompt, max_tokens, temperature_milli, top_k, seed.value_or(drawn_seed)};
}

tl::expected<ParsedRequest, ApiError> parse_request(Face face, std::string_view body) {
    if (body.size() > kBodyMax)
        return tl::unexpected(ApiError{413, "invalid_request_error", "request_too_large", "",
                                       "the body has " + std::to_string(body.size()) +
                                           " bytes, the limit is " + std::to_string(kBodyMax)});
    json::parse_options options;
    options.max_depth = kJsonDepthMax;
    json::error_code failure;
    const auto value = json::parse(body, failure, {}, options);
    if (failure)
        return tl::unexpected(bad_request("", "the body is not JSON: " + failure.message()));
    const auto* object = value.if_object();
    if (object == nullptr) return tl::unexpected(bad_request("", "the body must be a JSON object"));

    Fields fields(*object);
    ParsedRequest request;
    request.face = face;
    request.model = fields.text("model", kModelNameMax);
    const bool chat = face == Face::chat;
    const auto prompt = chat ? render_messages(fields) : read_prompt(fields);
    check_prompt(fields, chat ? "messages" : "prompt", prompt.size());
    request.prompt = to_bytes(as_bytes(prompt));
    // The newer name for chats wins over the older one.
    const bool newer = chat && fields.find("max_completion_tokens") != nullptr;
    request.max_tokens = fields.integer(newer ? "max_completion_tokens" : "max_tokens",
                                        kTokensDefault, 1, compute::kTokensMax);
    request.temperature_milli = read_temperature_milli(fields, request.temperature_milli);
    request.top_k = fields.integer("top_k", 0, 0, compute::kTopKMax);
    request.seed = read_seed(fields);
    request.stream = fields.flag("stream");
    if (const auto* stream = fields.find("stream_options"); stream != nullptr) {
        const auto* inner = stream->if_object();
        const auto* usage = inner == nullptr ? nullptr : inner->if_contains("include_usage");
        request.usage_chunk = usage != nullptr && *usage == true;
    }
    refuse_what_is_not_built(fields);
    if (fields.error()) return tl::unexpected(std::move(*fields.error()));
    return request;
}

}  // namespace mutirao::gateway
