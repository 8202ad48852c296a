#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "report/report.hpp"

namespace mutirao::bench {
namespace {

constexpr double kWidth = 940, kBarLeft = 330, kBarRight = 680, kTop = 48, kRowHeight = 30;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::string format(const char* pattern, double value) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), pattern, value);
    return text.data();
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
    return "<text x=\"" + format("%.1f", x) + "\" y=\"" + format("%.1f", y) + "\" text-anchor=\"" +
           std::string(anchor) + "\">" + escaped(text) + "</text>\n";
}

std::string bar_at(double y, double length, std::string_view style) {
    return "<rect class=\"" + std::string(style) + "\" x=\"" + format("%.1f", kBarLeft) +
           "\" y=\"" + format("%.1f", y) + "\" width=\"" + format("%.1f", length) +
           "\" height=\"9\"/>\n";
}

}  // namespace

std::string bar_chart_svg(std::string_view title, const std::vector<Row>& rows) {
    double most = 0;
    for (const auto& row : rows) most = std::max({most, row.value, row.peer_value});
    const auto length = [&](double value) {
        return most > 0 && std::isfinite(value) ? value / most * (kBarRight - kBarLeft) : 0;
    };
    const double height = kTop + kRowHeight * static_cast<double>(rows.size()) + 12;
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
                      format("%.0f", kWidth) + " " + format("%.0f", height) +
                      "\" role=\"img\">\n<style>svg{background:#fff;font:13px sans-serif}"
                      "text{fill:#222}.value{fill:#1560bd}.peer{fill:#b0b6be}"
                      "@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#ddd}"
                      ".value{fill:#6db1ff}.peer{fill:#5a616b}}</style>\n<title>" +
                      escaped(title) + "</title>\n" + text_at(12, 24, "start", title);
    double y = kTop;
    for (const auto& row : rows) {
        out += text_at(kBarLeft - 10, y + 14, "end", row.measure);
        out +=
            bar_at(y, length(row.value), "value") + bar_at(y + 10, length(row.peer_value), "peer");
        out += text_at(
            kBarLeft + length(row.value) + 8, y + 11, "start",
            format("%.1f ", row.value) + row.unit + format(", %.1f x ", row.ratio()) + row.peer);
        y += kRowHeight;
    }
    return out + "</svg>\n";
}

}  // namespace mutirao::bench
