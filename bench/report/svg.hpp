// The pieces that all pictures of the benches are drawn with. Coordinates are pixels, y downwards.
#pragma once

#include <string>
#include <string_view>

#include "report/report.hpp"

namespace mutirao::bench {

inline constexpr double kMargin = 28;

std::string escaped(std::string_view text);
std::string coordinate(double value);
// `anchor` is SVG's text-anchor, `style` a class of the style sheet in svg.cpp.
std::string text_at(double x, double y, std::string_view anchor, std::string_view style,
                    std::string_view text);
std::string line_at(double x1, double y1, double x2, double y2, std::string_view style);
// A complete <svg> with its title on top: `content` begins below y = 84.
std::string picture(double width, double height, const Title& title, const std::string& content);

}  // namespace mutirao::bench
