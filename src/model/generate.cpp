#include "model/generate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mutirao::model {

namespace {

using Logits = std::array<float, kVocabulary>;

Status check(const GenerateOptions& options) {
    if (options.new_bytes_max > kNewBytesMax)
        return Error{ErrorKind::invalid_argument,
                     "asked for " + std::to_string(options.new_bytes_max) +
                         " new bytes; the limit is " + std::to_string(kNewBytesMax)};
    if (!(options.temperature >= 0 && options.temperature <= 100))
        return Error{ErrorKind::invalid_argument, "the temperature must be from 0 to 100"};
    return {};
}

// Bytes from the likeliest down; equal scores in byte order.
std::array<std::uint8_t, kVocabulary> ranked(const Logits& logits) {
    std::array<std::uint8_t, kVocabulary> order;
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint8_t a, std::uint8_t b) { return logits[a] > logits[b]; });
    return order;
}

std::uint8_t draw(const Logits& logits, const GenerateOptions& options, Random& random) {
    const auto order = ranked(logits);
    if (options.temperature == 0) return order[0];
    const std::size_t count =
        options.top_k == 0 ? kVocabulary : std::min<std::size_t>(options.top_k, kVocabulary);
    std::array<double, kVocabulary> weight;
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

// Length of the UTF-8 sequence at the start of `bytes` (RFC 3629): 0 when it is no UTF-8, and more
// than bytes.size() when it is cut off there.
std::size_t sequence_length(ByteSpan bytes) {
    const std::uint8_t first = bytes[0];
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    for (std::size_t i = 1; i < std::min(length, bytes.size()); ++i) {
        std::uint8_t low = 0x80, high = 0xBF;
        if (i == 1 && first == 0xE0) low = 0xA0;   // no overlong forms
        if (i == 1 && first == 0xED) high = 0x9F;  // no surrogates
        if (i == 1 && first == 0xF0) low = 0x90;
        if (i == 1 && first == 0xF4) high = 0x8F;  // nothing above U+10FFFF
        if (bytes[i] < low || bytes[i] > high) return 0;
    }
    return length;
}

}  // namespace

Result<Bytes> generate(Model& model, ByteSpan prompt, const GenerateOptions& options,
                       Random& random) {
    TRY_VOID(check(options));
    const std::size_t context = model.config().context;
    Bytes text = to_bytes(prompt.last(std::min(prompt.size(), context)));
    const std::size_t start = text.size();
    Logits logits;
    while (text.size() - start < options.new_bytes_max) {
        TRY_VOID(model.next_byte_logits(text, logits));
        for (const float score : logits)
            if (!std::isfinite(score))
                return Error{ErrorKind::corrupt, "the model's scores are not finite numbers"};
        text.push_back(draw(logits, options, random));
        if (options.stop_at_line_feed && text.back() == '\n') break;
    }
    return Bytes(text.begin() + static_cast<std::ptrdiff_t>(start), text.end());
}

std::string whole_utf8(ByteSpan bytes) {
    static constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    std::string text;
    while (!bytes.empty()) {
        const std::size_t length = sequence_length(bytes);
        if (length > bytes.size()) break;
        text += length == 0 ? kReplacement : as_text(bytes.first(length));
        bytes = bytes.subspan(std::max<std::size_t>(length, 1));
    }
    return text;
}

}  // namespace mutirao::model
