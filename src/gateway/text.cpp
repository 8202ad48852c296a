#include "gateway/text.hpp"

#include <cstdint>

namespace mutirao::gateway {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Lead {
    std::size_t length;  // of the whole sequence; 0 when no sequence starts so
    std::uint8_t low;    // least second byte
    std::uint8_t high;   // greatest second byte
};

// Unicode 15, table 3-7: the narrowed second bytes shut out overlong forms, surrogates and code
// points over U+10FFFF.
Lead lead_of(std::uint8_t byte) {
    if (byte < 0x80) return {1, 0, 0};
    if (byte < 0xC2) return {0, 0, 0};
    if (byte < 0xE0) return {2, 0x80, 0xBF};
    if (byte == 0xE0) return {3, 0xA0, 0xBF};
    if (byte == 0xED) return {3, 0x80, 0x9F};
    if (byte < 0xF0) return {3, 0x80, 0xBF};
    if (byte == 0xF0) return {4, 0x90, 0xBF};
    if (byte < 0xF4) return {4, 0x80, 0xBF};
    if (byte == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

// How many bytes from `at` belong together, and whether they are a code point.
struct Step {
    std::size_t size;
    bool valid;
};

Step step_at(std::string_view text, std::size_t at) {
    const auto lead = lead_of(static_cast<std::uint8_t>(text[at]));
    if (lead.length == 0) return {1, false};
    for (std::size_t i = 1; i < lead.length; ++i) {
        if (at + i == text.size()) return {i, false};
        const auto byte = static_cast<std::uint8_t>(text[at + i]);
        const bool fits =
            i == 1 ? byte >= lead.low && byte <= lead.high : byte >= 0x80 && byte <= 0xBF;
        if (!fits) return {i, false};
    }
    return {lead.length, true};
}

}  // namespace

std::string valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto step = step_at(text, at);
        out += step.valid ? text.substr(at, step.size) : kReplacement;
        at += step.size;
    }
    return out;
}

std::vector<std::string_view> utf8_pieces(std::string_view text, std::size_t size_max) {
    std::vector<std::string_view> pieces;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto size = step_at(text, at).size;
        if (at > begin && at + size - begin > size_max) {
            pieces.push_back(text.substr(begin, at - begin));
            begin = at;
        }
        at += size;
    }
    if (begin < text.size()) pieces.push_back(text.substr(begin));
    return pieces;
}

std::string html_text(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : valid_utf8(text)) {
        const auto byte = static_cast<std::uint8_t>(c);
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            case '\t':
            case '\n': out += c; break;
            default:
                if (byte < 0x20 || byte == 0x7F)
                    out += kReplacement;
                else
                    out += c;
        }
    }
    return out;
}

}  // namespace mutirao::gateway
