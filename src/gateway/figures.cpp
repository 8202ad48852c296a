#include "gateway/figures.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace mutirao::gateway {

std::string decimal_text(double value, int decimals, Language language) {
    if (!std::isfinite(value)) return "-";
    // 309 digits before the mark is the longest double.
    std::array<char, 352> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::fixed, decimals);
    std::string text(digits.data(), end.ptr);
    if (language == Language::portuguese)
        if (const auto mark = text.find('.'); mark != std::string::npos) text[mark] = ',';
    return text;
}

std::string count_text(std::uint64_t value, Language language) {
    auto text = std::to_string(value);
    const char mark = language == Language::portuguese ? '.' : ',';
    for (auto at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, mark);
    }
    return text;
}

std::string size_text(std::uint64_t bytes, Language language) {
    static constexpr std::array kUnits = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    if (bytes < 1024) return std::to_string(bytes) + " B";
    auto value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    return decimal_text(value, 1, language) + kUnits[unit];
}

std::string time_text(std::uint64_t unix_ms) {
    // Past this the calendar's years no longer fit; nobody's clock is right there.
    constexpr std::uint64_t kYear9999 = 253'402'300'799'000;
    if (unix_ms > kYear9999) return "-";
    namespace chrono = std::chrono;
    const chrono::sys_time<chrono::seconds> time(chrono::seconds(unix_ms / 1000));
    const auto day = chrono::floor<chrono::days>(time);
    const chrono::year_month_day date(day);
    const chrono::hh_mm_ss clock(time - day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text.data();
}

}  // namespace mutirao::gateway
