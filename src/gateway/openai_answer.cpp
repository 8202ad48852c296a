#include <boost/json.hpp>

#include "crypto/hash.hpp"
#include "gateway/openai.hpp"
#include "gateway/text.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

constexpr std::size_t kPieceSize = 48;  // bytes of text in one event

// What every event and answer to one request starts with. The id names the receipt, so that the
// same answer has the same id.
json::object envelope(const ParsedRequest& request, const InferenceAnswer& answer, bool event) {
    const bool chat = request.face == Face::chat;
    const auto digest = crypto::blake3(as_bytes(answer.receipt_hex)).hex().substr(0, 24);
    json::object out;
    out["id"] = (chat ? "chatcmpl-" : "cmpl-") + digest;
    if (chat)
        out["object"] = event ? "chat.completion.chunk" : "chat.completion";
    else
        out["object"] = "text_completion";
    out["created"] = answer.created_unix_s;
    out["model"] = valid_utf8(request.model);
    return out;
}

json::object usage(const InferenceAnswer& answer) {
    json::object out;
    out["prompt_tokens"] = answer.prompt_tokens;
    out["completion_tokens"] = answer.output_tokens;
    out["total_tokens"] = std::uint64_t{answer.prompt_tokens} + answer.output_tokens;
    return out;
}

json::object extra(const InferenceAnswer& answer, bool exact) {
    json::object out;
    out["model_id"] = valid_utf8(answer.model);
    // A text, because many readers of JSON keep 53 bits only.
    out["seed"] = std::to_string(answer.seed);
    out["cost"] = valid_utf8(answer.cost);
    out["receipt"] = valid_utf8(answer.receipt_hex);
    out["request"] = valid_utf8(answer.request_hex);
    out["voucher"] = valid_utf8(answer.voucher_hex);
    if (!exact) out["output_hex"] = to_hex(answer.output);
    return out;
}

const char* finish_reason(const ParsedRequest& request, const InferenceAnswer& answer) {
    return answer.output_tokens >= request.max_tokens ? "length" : "stop";
}

json::object choice(const ParsedRequest& request, json::value content) {
    json::object out;
    out["index"] = 0;
    if (request.face == Face::chat)
        out["delta"] = std::move(content);
    else
        out["text"] = std::move(content);
    out["logprobs"] = nullptr;
    out["finish_reason"] = nullptr;
    return out;
}

void append_event(std::string& out, const json::object& event) {
    out += "data: " + json::serialize(event) + "\n\n";
}

}  // namespace

std::string answer_json(const ParsedRequest& request, const InferenceAnswer& answer) {
    const auto text = valid_utf8(as_text(answer.output));
    json::object one;
    one["index"] = 0;
    if (request.face == Face::chat)
        one["message"] = json::object{{"role", "assistant"}, {"content", text}};
    else
        one["text"] = text;
    one["logprobs"] = nullptr;
    one["finish_reason"] = finish_reason(request, answer);
    auto out = envelope(request, answer, false);
    out["choices"] = json::array{std::move(one)};
    out["usage"] = usage(answer);
    out["mutirao"] = extra(answer, text == as_text(answer.output));
    return json::serialize(out);
}

std::string answer_events(const ParsedRequest& request, const InferenceAnswer& answer) {
    const bool chat = request.face == Face::chat;
    const auto text = valid_utf8(as_text(answer.output));
    const auto start = envelope(request, answer, true);
    std::string out;
    const auto append_choice = [&](json::object one) {
        auto event = start;
        event["choices"] = json::array{std::move(one)};
        append_event(out, event);
    };
    if (chat) append_choice(choice(request, json::object{{"role", "assistant"}, {"content", ""}}));
    for (const auto piece : utf8_pieces(text, kPieceSize)) {
        if (chat)
            append_choice(choice(request, json::object{{"content", piece}}));
        else
            append_choice(choice(request, json::value(piece)));
    }
    auto last = choice(request, chat ? json::value(json::object{}) : json::value(""));
    last["finish_reason"] = finish_reason(request, answer);
    auto event = start;
    event["choices"] = json::array{std::move(last)};
    // A client that did not ask for a chunk without choices may not survive one.
    if (request.usage_chunk) {
        append_event(out, event);
        event = start;
        event["choices"] = json::array{};
    }
    event["usage"] = usage(answer);
    event["mutirao"] = extra(answer, text == as_text(answer.output));
    append_event(out, event);
    return out + "data: [DONE]\n\n";
}

namespace {

json::object card(const ModelCard& model) {
    json::object out;
    out["id"] = valid_utf8(model.name);
    out["object"] = "model";
    out["created"] = model.created_unix_s;
    out["owned_by"] = valid_utf8(model.owner);
    out["mutirao"] =
        json::object{{"model_id", valid_utf8(model.id)}, {"price", valid_utf8(model.price)}};
    return out;
}

}  // namespace

std::string models_json(const std::vector<ModelCard>& models) {
    json::array cards;
    for (const auto& model : models) cards.push_back(card(model));
    json::object out;
    out["object"] = "list";
    out["data"] = std::move(cards);
    return json::serialize(out);
}

std::string model_json(const ModelCard& model) { return json::serialize(card(model)); }

}  // namespace mutirao::gateway
