#include <algorithm>
#include <cmath>
#include <span>

#include "report/report.hpp"
#include "report/svg.hpp"

namespace mutirao::bench {
namespace {

constexpr double kWidth = 980, kBarLeft = 300, kBarRight = 760, kTop = 84;
constexpr double kBarHeight = 14, kLine = 22, kHeading = 26, kGap = 18;

// The value that ours has to reach (or, for value_at_most, to stay below): the hardest of a group.
std::optional<double> mark_of(std::span<const Row> group) {
    std::optional<double> mark;
    for (const auto& row : group) {
        if (!row.goal) continue;
        const bool of_ratio = row.goal->of == Goal::Of::ratio_at_least;
        if (of_ratio && !row.peer_value) continue;
        const double at = row.goal->number * (of_ratio ? *row.peer_value : 1);
        mark = std::max(mark.value_or(at), at);
    }
    return mark;
}

// One group of bars, drawn downwards from `top_`.
class GroupPainter {
  public:
    GroupPainter(std::span<const Row> group, double top) : group_(group), y_(top) {
        for (const auto& row : group)
            most_ = std::max({most_, row.value.value_or(0), row.peer_value.value_or(0)});
        most_ = std::max(most_, mark_of(group).value_or(0));
    }

    std::string paint() {
        heading();
        const auto& first = group_.front();
        const double own = y_;
        bar("Mutirão", "ours", first.value, figure(first.value));
        for (const auto& row : group_) {
            if (row.peer.empty()) continue;
            const auto ratio = row.ratio();
            bar(row.peer, "peer", row.peer_value,
                figure(row.peer_value) + (ratio ? " · " + short_number(*ratio) + " x" : ""));
        }
        if (const auto mark = mark_of(group_); mark && first.value)
            out_ += line_at(kBarLeft + length(*mark), own - 2, kBarLeft + length(*mark),
                            own + kBarHeight + 2, "mark");
        for (const auto& row : group_)
            if (!row.note.empty()) note(row.note);
        return out_;
    }
    double bottom() const { return y_; }

  private:
    double length(double value) const {
        return most_ > 0 && std::isfinite(value) ? value / most_ * (kBarRight - kBarLeft) : 0;
    }
    std::string figure(std::optional<double> value) const {
        return value ? short_number(*value) + " " + group_.front().unit : "not measured";
    }
    void heading() {
        out_ += line_at(kMargin, y_, kWidth - kMargin, y_, "rule");
        out_ += text_at(kMargin, y_ + 19, "start", "head", group_.front().measure);
        double x = kWidth - kMargin;
        std::optional<Goal> shown;
        bool all_met = true, any = false;
        for (const auto& row : group_) {
            if (row.goal && !shown) shown = row.goal;
            if (const auto ok = row.ok()) any = true, all_met = all_met && *ok;
        }
        if (shown)
            out_ += text_at(x, y_ + 19, "end",
                            !any      ? "soft"
                            : all_met ? "good"
                                      : "bad",
                            "goal " + goal_text(*shown, group_.front().unit) +
                                (!any      ? ""
                                 : all_met ? " ✓"
                                           : " ✗ not met"));
        y_ += kHeading + 4;
    }
    void bar(std::string_view name, std::string_view style, std::optional<double> value,
             std::string_view text) {
        const double middle = y_ + kBarHeight / 2 + 4.5;
        out_ += text_at(kBarLeft - 12, middle, "end", style == "ours" ? "head" : "soft", name);
        const double wide = value ? std::max(length(*value), 1.5) : 0;
        if (value)
            out_ += "<rect class=\"" + std::string(style) + "\" x=\"" + coordinate(kBarLeft) +
                    "\" y=\"" + coordinate(y_) + "\" width=\"" + coordinate(wide) + "\" height=\"" +
                    coordinate(kBarHeight) + "\" rx=\"2\"/>\n";
        // The figure of ours stands behind the mark, too, where the mark would cross it.
        double end = kBarLeft + wide;
        if (const auto mark = mark_of(group_); mark && style == "ours")
            if (const double at = kBarLeft + length(*mark); at > end - 4 && at < end + 90) end = at;
        out_ += text_at(end + 8, middle, "start", value ? "" : "soft", text);
        y_ += kLine;
    }
    void note(std::string_view text) {
        out_ += text_at(kBarLeft, y_ + 11, "start", "soft", text);
        y_ += kLine - 4;
    }

    std::span<const Row> group_;
    double y_;
    double most_ = 0;
    std::string out_;
};

}  // namespace

std::string bar_chart_svg(const Title& title, const std::vector<Row>& rows) {
    std::string groups;
    double y = kTop;
    for (std::size_t begin = 0; begin < rows.size();) {
        std::size_t end = begin + 1;
        while (end < rows.size() && rows[end].measure == rows[begin].measure) ++end;
        GroupPainter painter(std::span<const Row>(rows).subspan(begin, end - begin), y);
        groups += painter.paint();
        y = painter.bottom() + kGap;
        begin = end;
    }
    return picture(kWidth, y, title, groups);
}

}  // namespace mutirao::bench
