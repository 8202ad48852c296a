#include <charconv>

#include "gateway/status_page.hpp"

namespace mutirao::gateway {
namespace {

constexpr std::size_t kRangesMax = 32;  // languages of one header that are looked at

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool is_language(std::string_view range, char first, char second) {
    return range.size() >= 2 && (range[0] | 0x20) == first && (range[1] | 0x20) == second &&
           (range.size() == 2 || range[2] == '-');
}

// The q of "pt-BR;q=0.8"; 1 when there is none, 0 when it is no number.
double quality(std::string_view parameters) {
    const auto at = parameters.find("q=");
    if (at == std::string_view::npos) return 1;
    const auto number = parameters.substr(at + 2);
    double value = 0;
    const auto end = std::from_chars(number.data(), number.data() + number.size(), value);
    return end.ec == std::errc() && value >= 0 && value <= 1 ? value : 0;
}

}  // namespace

Language choose_language(std::string_view accept_language) {
    double english = 0, portuguese = 0;
    for (std::size_t i = 0; i < kRangesMax && !accept_language.empty(); ++i) {
        const auto comma = accept_language.find(',');
        const auto part = trimmed(accept_language.substr(0, comma));
        const auto semicolon = part.find(';');
        const auto range = trimmed(part.substr(0, semicolon));
        const auto q = semicolon == std::string_view::npos ? 1 : quality(part.substr(semicolon));
        if (is_language(range, 'e', 'n') && q > english) english = q;
        if (is_language(range, 'p', 't') && q > portuguese) portuguese = q;
        if (comma == std::string_view::npos) break;
        accept_language.remove_prefix(comma + 1);
    }
    return english > portuguese ? Language::english : Language::portuguese;
}

}  // namespace mutirao::gateway
