#include "gateway/loss_chart.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "gateway/text.hpp"

namespace mutirao::gateway {
namespace {

// The picture and, inside it, the frame that the axes draw.
constexpr double kWidth = 640, kHeight = 320;
constexpr double kLeft = 64, kRight = 620, kTop = 44, kBottom = 268;
constexpr int kTicksWanted = 6;
constexpr std::size_t kDotsMax = 48;  // more points than these are a line without dots

std::string fixed(double value, int decimals) {
    std::array<char, 352> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::fixed, decimals);
    return {digits.data(), end.ptr};
}

struct Axis {
    double low, high;  // values at the frame's ends
    double from, to;   // coordinates of the frame's ends
    double step;       // between ticks
    int decimals;      // of a tick's label

    double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

// Ticks at 1, 2 or 5 times a power of ten; the ends are moved out to ticks when `widen`.
Axis axis_for(double low, double high, double from, double to, double step_min, bool widen) {
    if (high - low < step_min) {
        low -= step_min;
        high += step_min;
    }
    const double rough = (high - low) / kTicksWanted;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0})
        if (factor * power >= rough) step = factor * power;
    step = std::max(step, step_min);
    if (widen) {
        low = std::floor(low / step) * step;
        high = std::ceil(high / step) * step;
    }
    const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 6);
    return {low, high, from, to, step, decimals};
}

std::vector<LossPoint> drawable(std::span<const LossPoint> points) {
    // A loss beyond this is a run that has blown up: nothing below it could be read.
    constexpr double kLossMax = 1e6;
    const auto fits = [](double value) {
        return std::isfinite(value) && std::abs(value) < kLossMax;
    };
    std::vector<LossPoint> finite;
    for (auto point : points) {
        if (!fits(point.training)) continue;
        if (point.held_out && !fits(*point.held_out)) point.held_out.reset();
        finite.push_back(point);
    }
    if (finite.size() <= kChartPointsMax) return finite;
    std::vector<LossPoint> thinned;
    for (std::size_t i = 0; i < kChartPointsMax; ++i)
        thinned.push_back(finite[i * (finite.size() - 1) / (kChartPointsMax - 1)]);
    return thinned;
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text,
                    std::string_view more = "") {
    return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" +
           std::string(anchor) + "\"" + std::string(more) + ">" + html_text(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, std::string_view style) {
    return "<line class=\"" + std::string(style) + "\" x1=\"" + fixed(x1, 1) + "\" y1=\"" +
           fixed(y1, 1) + "\" x2=\"" + fixed(x2, 1) + "\" y2=\"" + fixed(y2, 1) + "\"/>\n";
}

std::string axes(const Axis& x, const Axis& y, const LossChartWords& words) {
    std::string out;
    for (int i = 0;; ++i) {
        const double value = std::ceil(y.low / y.step - 1e-9) * y.step + i * y.step;
        if (value > y.high + y.step * 1e-6) break;
        out += line(kLeft, y.at(value), kRight, y.at(value), "lc-grid");
        out += text_at(kLeft - 8, y.at(value) + 4, "end", fixed(value, y.decimals));
    }
    for (int i = 0;; ++i) {
        const double value = std::ceil(x.low / x.step - 1e-9) * x.step + i * x.step;
        if (value > x.high + x.step * 1e-6) break;
        // Rounds are whole and none is before 0, even where a lone point widens the axis.
        if (value < 0) continue;
        out += line(x.at(value), kBottom, x.at(value), kBottom + 5, "lc-axis");
        out += text_at(x.at(value), kBottom + 19, "middle", fixed(value, 0));
    }
    out += line(kLeft, kBottom, kRight, kBottom, "lc-axis");
    out += line(kLeft, kTop, kLeft, kBottom, "lc-axis");
    out += text_at((kLeft + kRight) / 2, kBottom + 40, "middle", words.round);
    out += text_at(16, (kTop + kBottom) / 2, "middle", words.loss,
                   " transform=\"rotate(-90 16 " + fixed((kTop + kBottom) / 2, 0) + ")\"");
    return out;
}

struct Dot {
    double x, y;
};

std::string curve(const std::vector<Dot>& dots, std::string_view style) {
    if (dots.empty()) return {};
    std::string out = "<polyline class=\"lc-line " + std::string(style) + "\" points=\"";
    for (const auto& dot : dots) out += fixed(dot.x, 1) + "," + fixed(dot.y, 1) + " ";
    out.back() = '"';
    out += "/>\n";
    if (dots.size() > kDotsMax) return out;
    for (const auto& dot : dots)
        out += "<circle class=\"lc-dot " + std::string(style) + "\" cx=\"" + fixed(dot.x, 1) +
               "\" cy=\"" + fixed(dot.y, 1) + "\" r=\"2.5\"/>\n";
    return out;
}

std::string legend(double x, std::string_view style, std::string_view name, double last) {
    return line(x, 30, x + 24, 30, "lc-line " + std::string(style)) +
           text_at(x + 30, 34, "start", std::string(name) + " " + fixed(last, 3));
}

std::string head(const LossChartWords& words) {
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + fixed(kWidth, 0) + " " +
           fixed(kHeight, 0) + "\" role=\"img\" aria-label=\"" + html_text(words.title) +
           "\" class=\"lc\">\n"
           "<style>.lc{background:#fff;font:12px sans-serif}.lc text{fill:#333}"
           ".lc-axis{stroke:#666}.lc-grid{stroke:#ddd}.lc-line{fill:none;stroke-width:2}"
           ".lc-a{stroke:#1560bd}.lc-b{stroke:#c2410c;stroke-dasharray:6 3}"
           ".lc-dot.lc-a{fill:#1560bd}.lc-dot.lc-b{fill:#c2410c}"
           "@media(prefers-color-scheme:dark){.lc{background:#16181d}.lc text{fill:#ccc}"
           ".lc-axis{stroke:#999}.lc-grid{stroke:#333}.lc-a{stroke:#6db1ff}.lc-b{stroke:#ff9d5c}"
           ".lc-dot.lc-a{fill:#6db1ff}.lc-dot.lc-b{fill:#ff9d5c}}</style>\n"
           "<title>" +
           html_text(words.title) + "</title>\n" +
           text_at(kLeft, 16, "start", words.title, " font-weight=\"bold\"");
}

}  // namespace

std::string loss_chart_svg(std::span<const LossPoint> points, const LossChartWords& words) {
    const auto shown = drawable(points);
    auto out = head(words);
    if (shown.empty())
        return out + text_at(kWidth / 2, kHeight / 2, "middle", words.empty) + "</svg>\n";

    auto low = shown.front().training;
    auto high = low;
    auto first = shown.front().round;
    auto last = first;
    for (const auto& point : shown) {
        const auto other = point.held_out.value_or(point.training);
        low = std::min({low, point.training, other});
        high = std::max({high, point.training, other});
        first = std::min(first, point.round);
        last = std::max(last, point.round);
    }
    const auto x = axis_for(first, last, kLeft, kRight, 1, false);
    const auto y = axis_for(low, high, kBottom, kTop, 1e-3, true);

    std::vector<Dot> training, held_out;
    double last_held_out = 0;
    for (const auto& point : shown) {
        training.push_back({x.at(point.round), y.at(point.training)});
        if (!point.held_out) continue;
        held_out.push_back({x.at(point.round), y.at(*point.held_out)});
        last_held_out = *point.held_out;
    }
    out += axes(x, y, words);
    out += curve(training, "lc-a") + curve(held_out, "lc-b");
    out += legend(kLeft, "lc-a", words.training, shown.back().training);
    if (!held_out.empty()) out += legend(kLeft + 220, "lc-b", words.held_out, last_held_out);
    return out + "</svg>\n";
}

}  // namespace mutirao::gateway
