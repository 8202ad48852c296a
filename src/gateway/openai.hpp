// The OpenAI-compatible face: bodies of POST /v1/completions and /v1/chat/completions in, answers
// and errors in OpenAI's shapes out. Text in, text out; any thread.
//
// Chat messages become a prompt by one rule: their contents, in order, joined by one empty line.
// Roles are checked but not written out, because models trained here so far have read plain text
// only; so a chat with one message asks exactly what the same prompt asks.
//
// What OpenAI defines, would change the answer, and is not built (stop, n, tools, ...) is refused,
// never ignored. An answer carries what OpenAI has no field for under "mutirao": model id, seed,
// cost; receipt, request and voucher, as canonical bytes in hex, for disputes; and output_hex when
// the output was not UTF-8 and the text is therefore not exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/bytes.hpp"
#include "compute/inference.hpp"

namespace mutirao::gateway {

inline constexpr std::size_t kBodyMax = 1 << 20;  // bytes of JSON; 413 beyond
inline constexpr std::size_t kJsonDepthMax = 16;  // nested arrays and objects
inline constexpr std::size_t kMessagesMax = 256;
inline constexpr std::size_t kModelNameMax = 256;     // bytes
inline constexpr std::uint32_t kTokensDefault = 128;  // when max_tokens is not given

// An error as an OpenAI client understands it.
struct ApiError {
    int status = 500;   // HTTP
    std::string type;   // "invalid_request_error", ...
    std::string code;   // "model_not_found", ...; empty writes null
    std::string param;  // the offending field; empty writes null
    std::string message;
};

// permission_denied 401 invalid_api_key, insufficient_funds 402 insufficient_quota, not_found 404
// model_not_found, invalid_argument 400, resource_exhausted 429 rate_limit_exceeded, unimplemented
// 501, corrupt 502, unavailable 503, timeout 504, anything else 500.
ApiError to_api_error(const Error& error);
std::string error_json(const ApiError& error);

enum class Face { completion, chat };

struct ParsedRequest {
    Face face = Face::completion;
    std::string model;  // as the client wrote it: a name or an id in hex
    Bytes prompt;
    std::uint32_t max_tokens = kTokensDefault;
    std::uint32_t temperature_milli = 1000;
    std::uint32_t top_k = 0;
    std::optional<std::uint64_t> seed;  // when absent, whoever asks the provider draws one
    bool stream = false;
    bool usage_chunk = false;  // stream_options.include_usage: usage in a chunk of its own

    // The request to a provider. Within compute's limits, because the parser holds them.
    compute::InferenceRequest for_model(const Digest& digest, std::uint64_t drawn_seed) const;
};

tl::expected<ParsedRequest, ApiError> parse_request(Face face, std::string_view body);

struct InferenceAnswer {
    Bytes output;  // without the prompt; need not be UTF-8
    std::uint32_t prompt_tokens = 0;
    std::uint32_t output_tokens = 0;
    std::string model;       // id in hex
    std::uint64_t seed = 0;  // of the request that the receipt is for
    std::uint64_t created_unix_s = 0;
    std::string receipt_hex;  // compute::Receipt::encode()
    std::string request_hex;  // compute::InferenceRequest::encode(), which the receipt is for
    std::string voucher_hex;  // ledger::Voucher::encode(), with which it was paid
    std::string cost;         // "0.0012 MUT"
};

// The answer's JSON object.
std::string answer_json(const ParsedRequest& request, const InferenceAnswer& answer);
// The answer as server-sent events: pieces of text, then one chunk with finish_reason, usage and
// receipt, then [DONE]. The answer is complete before the first event is written.
std::string answer_events(const ParsedRequest& request, const InferenceAnswer& answer);

struct ModelCard {
    std::string name;
    std::string id;  // hex
    std::string owner;
    std::uint64_t created_unix_s = 0;
    std::string price;  // "0.001 MUT per 1000 tokens"
};

std::string models_json(const std::vector<ModelCard>& models);
std::string model_json(const ModelCard& model);

// Who answers. Any thread.
class InferenceRoute {
  public:
    virtual ~InferenceRoute() = default;
    // `api_key` is the bearer token, empty when there was none. Kinds as in to_api_error.
    virtual Result<InferenceAnswer> infer(std::string_view api_key,
                                          const ParsedRequest& request) = 0;
    virtual std::vector<ModelCard> models() = 0;
};

}  // namespace mutirao::gateway
