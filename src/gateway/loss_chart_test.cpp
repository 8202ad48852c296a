#include "gateway/loss_chart.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace mutirao::gateway {
namespace {

std::size_t count(const std::string& text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

// Every coordinate of the picture's lines lies inside it.
void expect_inside(const std::string& svg) {
    for (const std::string_view list : {"points=\""}) {
        for (auto at = svg.find(list); at != std::string::npos; at = svg.find(list, at + 1)) {
            const auto begin = at + list.size();
            const auto text = svg.substr(begin, svg.find('"', begin) - begin);
            const char* cursor = text.c_str();
            while (*cursor != '\0') {
                char* end = nullptr;
                const double x = std::strtod(cursor, &end);
                ASSERT_EQ(*end, ',');
                const double y = std::strtod(end + 1, &end);
                EXPECT_GE(x, 63.9);
                EXPECT_LE(x, 620.1);
                EXPECT_GE(y, 43.9);
                EXPECT_LE(y, 268.1);
                cursor = *end == ' ' ? end + 1 : end;
            }
        }
    }
}

TEST(LossChart, says_so_when_there_is_nothing_to_draw) {
    const auto svg = loss_chart_svg({});
    EXPECT_EQ(count(svg, "no rounds yet"), 1u);
    EXPECT_EQ(count(svg, "<polyline"), 0u);
    EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(LossChart, draws_both_curves_axes_with_units_and_last_values) {
    const std::vector<LossPoint> points = {
        {1, 5.54, 5.55}, {2, 4.1, std::nullopt}, {3, 3.2, 3.4}, {4, 2.71, 2.79}};
    const auto svg = loss_chart_svg(points);
    EXPECT_EQ(count(svg, "<polyline"), 2u);
    EXPECT_EQ(count(svg, "<circle class=\"lc-dot lc-a\""), 4u);
    EXPECT_EQ(count(svg, "<circle class=\"lc-dot lc-b\""), 3u);
    EXPECT_EQ(count(svg, ">loss (nats/byte)<"), 1u);
    EXPECT_EQ(count(svg, ">round<"), 1u);
    EXPECT_EQ(count(svg, ">training 2.710<"), 1u);
    EXPECT_EQ(count(svg, ">held out 2.790<"), 1u);
    expect_inside(svg);
    EXPECT_EQ(svg, loss_chart_svg(points)) << "same points, same bytes";
}

TEST(LossChart, a_falling_loss_falls_to_the_right) {
    const auto svg = loss_chart_svg(std::vector<LossPoint>{{0, 5, {}}, {10, 2, {}}});
    EXPECT_NE(svg.find("points=\"64.0,44.0 620.0,268.0\""), std::string::npos) << svg;
}

TEST(LossChart, stays_inside_its_frame_whatever_the_points) {
    const double infinity = std::numeric_limits<double>::infinity();
    for (const auto& points : std::vector<std::vector<LossPoint>>{
             {{7, 3.3, {}}},
             {{0, 0, 0}},
             {{1, 2.5, {}}, {1, 2.5, {}}},
             {{9, 1, {}}, {2, 4, {}}},
             {{0, 1e-9, {}}, {4294967295u, 999999, -999999}},
             {{0, infinity, {}}, {1, std::nan(""), {}}, {2, 1, infinity}, {3, 1e300, 1}}}) {
        const auto svg = loss_chart_svg(points);
        expect_inside(svg);
        EXPECT_EQ(count(svg, "nan"), 0u);
        EXPECT_EQ(count(svg, "inf"), 0u);
        EXPECT_LT(svg.size(), 20000u);
    }
}

TEST(LossChart, thins_long_runs_and_keeps_their_ends) {
    std::vector<LossPoint> points;
    for (std::uint32_t i = 0; i < 100000; ++i) points.push_back({i, 1 + 1.0 / (i + 1), {}});
    const auto svg = loss_chart_svg(points);
    EXPECT_LT(svg.size(), 16000u);
    EXPECT_NE(svg.find("points=\"64.0,"), std::string::npos);
    EXPECT_NE(svg.find(" 620.0,"), std::string::npos);
}

TEST(LossChart, escapes_its_words) {
    LossChartWords words;
    words.title = "<script>";
    const auto svg = loss_chart_svg({}, words);
    EXPECT_EQ(count(svg, "<script>"), 0u);
}

}  // namespace
}  // namespace mutirao::gateway
