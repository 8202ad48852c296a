#include <algorithm>
#include <array>
#include <cmath>

#include "report/svg.hpp"

namespace mutirao::bench {

namespace {

constexpr double kWidth = 980, kHeight = 560, kLeft = 80, kRight = 720, kTop = 100, kBottom = 500;
constexpr int kTicks = 5;
// Tell eight lines apart on light and on dark; further ones repeat them dashed.
constexpr std::array<const char*, 8> kColours{"#1769e0", "#d1495b", "#2a9d63", "#d98a1f",
                                              "#8a5cd1", "#3aa6b9", "#8c6d46", "#7a7f8a"};

struct Range {
    double low = INFINITY, high = -INFINITY;
    void add(double value) { low = std::min(low, value), high = std::max(high, value); }
    double at(double value, double from, double to) const {
        return high > low ? from + (value - low) / (high - low) * (to - from) : from;
    }
};

std::string path_of(const Curve& curve, const Range& x, const Range& y, std::size_t index) {
    std::string out = "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"";
    out += kColours[index % kColours.size()];
    if (index >= kColours.size()) out += "\" stroke-dasharray=\"5 3";
    out += "\" points=\"";
    for (const auto& [px, py] : curve.points)
        out +=
            coordinate(x.at(px, kLeft, kRight)) + "," + coordinate(y.at(py, kBottom, kTop)) + " ";
    return out + "\"/>\n";
}

}  // namespace

std::string line_chart_svg(const Title& title, const Axes& axes, const std::vector<Curve>& curves) {
    Range x, y;
    for (const auto& curve : curves)
        for (const auto& [px, py] : curve.points) x.add(px), y.add(py);
    if (!(x.low <= x.high)) x = {0, 1}, y = {0, 1};
    std::string out;
    for (int i = 0; i <= kTicks; ++i) {
        const double part = static_cast<double>(i) / kTicks;
        const double px = kLeft + part * (kRight - kLeft), py = kBottom + part * (kTop - kBottom);
        out += line_at(kLeft, py, kRight, py, "rule");
        out += text_at(kLeft - 8, py + 4.5, "end", "soft",
                       short_number(y.low + part * (y.high - y.low)));
        out += text_at(px, kBottom + 20, "middle", "soft",
                       short_number(x.low + part * (x.high - x.low)));
    }
    out += text_at((kLeft + kRight) / 2, kBottom + 44, "middle", "soft", axes.x);
    out += text_at(kLeft, kTop - 12, "start", "soft", axes.y);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        out += path_of(curves[i], x, y, i);
        const double at = kTop + 22.0 * static_cast<double>(i);
        out += "<line x1=\"740\" x2=\"764\" y1=\"" + coordinate(at) + "\" y2=\"" + coordinate(at) +
               "\" stroke-width=\"3\" stroke=\"" + kColours[i % kColours.size()] + "\"/>\n";
        out += text_at(772, at + 4.5, "start", "", curves[i].name);
    }
    return picture(kWidth, kHeight, title, out);
}

}  // namespace mutirao::bench
