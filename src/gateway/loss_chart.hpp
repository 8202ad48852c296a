// A training run's loss as one SVG picture: training and held-out loss over rounds, with axes.
// Points in, text out. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mutirao::gateway {

struct LossPoint {
    std::uint32_t round = 0;
    double training = 0;             // nats per byte
    std::optional<double> held_out;  // nats per byte, when it was measured in this round
};

struct LossChartWords {
    std::string_view title = "Training loss";
    std::string_view round = "round";
    std::string_view loss = "loss (nats/byte)";
    std::string_view training = "training";
    std::string_view held_out = "held out";
    std::string_view empty = "no rounds yet";
};

inline constexpr std::size_t kChartPointsMax = 512;  // more are thinned evenly, ends kept

// A complete <svg> element, 640 by 320 units, that follows the reader's light or dark scheme and
// refers to nothing outside itself. Points are in order of round; ones that are not finite are left
// out. Same points, same bytes.
std::string loss_chart_svg(std::span<const LossPoint> points, const LossChartWords& words = {});

}  // namespace mutirao::gateway
