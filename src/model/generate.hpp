// Text from a model, byte by byte.
#pragma once

#include "base/ports.hpp"
#include "model/backend.hpp"

namespace mutirao::model {

inline constexpr std::uint32_t kNewBytesMax = 65536;

struct GenerateOptions {
    std::uint32_t new_bytes_max = 128;
    float temperature = 0.8f;  // 0 = always the likeliest byte
    std::uint32_t top_k = 40;  // draw among the k likeliest; 0 = all
    bool stop_at_line_feed = false;
};

// Only the new bytes (the prompt is not repeated), ended early by stop_at_line_feed. May stop in
// the middle of a UTF-8 sequence: whole_utf8() trims it. Same parameters, prompt, options and
// Random, same text. invalid_argument when an option is out of range.
Result<Bytes> generate(Model& model, ByteSpan prompt, const GenerateOptions& options,
                       Random& random);

// `bytes` without an incomplete last UTF-8 sequence, and with every byte that is no UTF-8 replaced
// by U+FFFD, so that the text may travel in JSON.
std::string whole_utf8(ByteSpan bytes);

}  // namespace mutirao::model
