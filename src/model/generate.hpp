// Text from a model, token by token.
#pragma once

#include "base/ports.hpp"
#include "model/backend.hpp"

namespace mutirao::model {

class Tokenizer;

inline constexpr std::uint32_t kNewTokensMax = 65536;

struct GenerateOptions {
    std::uint32_t new_tokens_max = 128;
    float temperature = 0.8f;  // 0 = always the likeliest token
    std::uint32_t top_k = 40;  // draw among the k likeliest; 0 = all
    bool stop_at_line_feed = false;
};

// Only the new bytes (the prompt is not repeated), ended early by stop_at_line_feed. May stop in
// the middle of a UTF-8 sequence: whole_utf8() trims it. `tokenizer` is null where a token is a
// byte. Same parameters, prompt, options and Random, same text. invalid_argument when an option is
// out of range, or the tokenizer is not of the model's vocabulary; unimplemented when the model is
// no GPT.
Result<Bytes> generate(Model& model, ByteSpan prompt, const GenerateOptions& options,
                       Random& random, const Tokenizer* tokenizer = nullptr);

// `bytes` without an incomplete last UTF-8 sequence, and with every byte that is no UTF-8 replaced
// by U+FFFD, so that the text may travel in JSON.
std::string whole_utf8(ByteSpan bytes);

}  // namespace mutirao::model
