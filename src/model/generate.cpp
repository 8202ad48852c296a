#include "model/generate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/tokenizer.hpp"

namespace mutirao::model {

namespace {

Status check(const GenerateOptions& options) {
    if (options.new_tokens_max > kNewTokensMax)
        return Error{ErrorKind::invalid_argument,
                     "asked for " + std::to_string(options.new_tokens_max) +
                         " new tokens; the limit is " + std::to_string(kNewTokensMax)};
    if (!(options.temperature >= 0 && options.temperature <= 100))
        return Error{ErrorKind::invalid_argument, "the temperature must be from 0 to 100"};
    return {};
}

// The `count` likeliest tokens, from the likeliest down; equal scores in token order.
std::vector<Token> ranked(std::span<const float> logits, std::size_t count) {
    std::vector<Token> order(logits.size());
    std::iota(order.begin(), order.end(), Token{0});
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
        [&](Token a, Token b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
    order.resize(count);
    return order;
}

Token draw(std::span<const float> logits, const GenerateOptions& options, Random& random) {
    std::size_t count =
        options.top_k == 0 ? logits.size() : std::min<std::size_t>(options.top_k, logits.size());
    if (options.temperature == 0) count = 1;
    const auto order = ranked(logits, count);
    if (options.temperature == 0) return order[0];
    std::vector<double> weight(count);
    double total = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double above = static_cast<double>(logits[order[i]]) - logits[order[0]];
        weight[i] = std::exp(above / options.temperature);
        total += weight[i];
    }
    // 53 random bits: uniform in [0, 1).
    double left = static_cast<double>(random.next_u64() >> 11) * 0x1p-53 * total;
    for (std::size_t i = 0; i < count; ++i) {
        left -= weight[i];
        if (left < 0) return order[i];
    }
    return order[count - 1];
}

}  // namespace

Result<Bytes> generate(Model& model, ByteSpan prompt, const GenerateOptions& options,
                       Random& random, const Tokenizer* tokenizer) {
    TRY_VOID(check(options));
    const auto* config = model.config().gpt();
    if (!config)
        return Error{
            ErrorKind::unimplemented,
            "a model of kind " + std::string(model.config().kind_name()) + " writes no text"};
    if ((tokenizer ? tokenizer->vocabulary() : kVocabulary) != config->vocabulary)
        return Error{ErrorKind::invalid_argument,
                     "the tokenizer is not of the model's vocabulary of " +
                         std::to_string(config->vocabulary)};
    std::vector<Token> tokens(prompt.begin(), prompt.end());
    if (tokenizer) tokens = tokenizer->encode(prompt);
    const std::size_t start = tokens.size();
    std::vector<float> logits(config->vocabulary);
    const auto line_feed = as_bytes("\n")[0];
    Bytes text;
    while (tokens.size() - start < options.new_tokens_max) {
        TRY_VOID(model.next_token_logits(tokens, logits));
        for (const float score : logits)
            if (!std::isfinite(score))
                return Error{ErrorKind::corrupt, "the model's scores are not finite numbers"};
        tokens.push_back(draw(logits, options, random));
        Bytes piece{static_cast<std::uint8_t>(tokens.back())};
        if (tokenizer) piece = tokenizer->bytes_of(tokens.back());
        text.insert(text.end(), piece.begin(), piece.end());
        if (options.stop_at_line_feed && std::ranges::find(piece, line_feed) != piece.end()) break;
    }
    return text;
}

std::string whole_utf8(ByteSpan bytes) {
    static constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    std::string text;
    while (!bytes.empty()) {
        const std::size_t length = utf8_length(bytes);
        if (length > bytes.size()) break;
        text += length == 0 ? kReplacement : as_text(bytes.first(length));
        bytes = bytes.subspan(std::max<std::size_t>(length, 1));
    }
    return text;
}

}  // namespace mutirao::model
