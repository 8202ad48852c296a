#include "report/svg.hpp"

#include <array>
#include <cstdio>

namespace mutirao::bench {

namespace {

// Plain classes and one media query: viewers that know no more CSS than this draw it right, too.
constexpr std::string_view kStyle =
    "<style>"
    "text{font:13px system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1d2129}"
    ".paper{fill:#fff}.title{font-size:20px;font-weight:600}.head{font-weight:600}"
    ".soft{fill:#69707d}.ours{fill:#1769e0}.peer{fill:#c3c9d3}.good{fill:#1a7f45}"
    ".bad{fill:#b3401a}.rule{stroke:#e6e8ec}"
    ".mark{stroke:#1d2129;stroke-width:1.5;stroke-dasharray:3 2}"
    "@media(prefers-color-scheme:dark){text{fill:#e8eaee}.paper{fill:#14161a}.soft{fill:#949ba8}"
    ".ours{fill:#5aa2ff}.peer{fill:#4a515d}.good{fill:#5fcf8f}.bad{fill:#ff9466}"
    ".rule{stroke:#2a2e36}.mark{stroke:#e8eaee}}"
    "</style>\n";

}  // namespace

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out += c;
    }
    return out;
}

std::string coordinate(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view style,
                    std::string_view text) {
    return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" +
           std::string(anchor) + "\" class=\"" + std::string(style) + "\">" + escaped(text) +
           "</text>\n";
}

std::string line_at(double x1, double y1, double x2, double y2, std::string_view style) {
    return "<line x1=\"" + coordinate(x1) + "\" y1=\"" + coordinate(y1) + "\" x2=\"" +
           coordinate(x2) + "\" y2=\"" + coordinate(y2) + "\" class=\"" + std::string(style) +
           "\"/>\n";
}

std::string picture(double width, double height, const Title& title, const std::string& content) {
    const auto size = coordinate(width) + " " + coordinate(height);
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
           coordinate(width) + "\" height=\"" + coordinate(height) + "\" role=\"img\">\n" +
           std::string(kStyle) + "<title>" + escaped(title.what) +
           "</title>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n" +
           text_at(kMargin, 38, "start", "title", title.what) +
           text_at(kMargin, 60, "start", "soft", title.how) + content + "</svg>\n";
}

}  // namespace mutirao::bench
