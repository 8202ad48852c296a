#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include "report/report.hpp"

namespace mutirao::bench {
namespace {

constexpr double kWidth = 980, kMargin = 28, kBarLeft = 300, kBarRight = 760, kTop = 84;
constexpr double kBarHeight = 14, kLine = 22, kHeading = 26, kGap = 18;

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
    const auto size = coordinate(kWidth) + " " + coordinate(y);
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
           coordinate(kWidth) + "\" height=\"" + coordinate(y) + "\" role=\"img\">\n" +
           std::string(kStyle) + "<title>" + escaped(title.what) +
           "</title>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n" +
           text_at(kMargin, 38, "start", "title", title.what) +
           text_at(kMargin, 60, "start", "soft", title.how) + groups + "</svg>\n";
}

}  // namespace mutirao::bench
