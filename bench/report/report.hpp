// The rows that every bench writes (docs: bench/README.md), as a table, JSON and a picture.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mutirao::bench {

struct Goal {
    enum class Of { ratio_at_least, value_at_least, value_at_most };
    Of of;
    double number;
};

// One figure of ours beside one of somebody else's. Rows of one measure follow one another and have
// the same value: each adds a peer.
struct Row {
    std::string measure;
    std::optional<double> value;  // none: `note` says why
    std::string unit;
    std::string peer;                  // what the value is compared with; empty: with nothing
    std::optional<double> peer_value;  // same unit, measured in the same run; none: see `note`
    std::optional<Goal> goal;
    std::string note;  // what a reader must know to judge the row; may be empty

    std::optional<double> ratio() const;
    // Whether the goal is met; none where there is no goal, or nothing to hold against it.
    std::optional<bool> ok() const;
};

// A report's heading: what was measured, and where and how.
struct Title {
    std::string what;
    std::string how;
};

// A few digits, as many as a measurement is good for: "3312", "47.3", "0.46".
std::string short_number(double value);
// ">= 2.5 x", "<= 4 ms".
std::string goal_text(const Goal& goal, std::string_view unit);

// A line for each measure and one for each of its peers, columns aligned.
std::string table_text(const Title& title, const std::vector<Row>& rows);
// A JSON array of {"measure","value","unit","peer","peer_value","ratio","goal","ok","goal_of",
// "note"}; bench/README.md says what each is.
std::string rows_json(const std::vector<Row>& rows);
// For each measure a group of horizontal bars, ours first, all of a group to one scale, with a mark
// where ours has to reach. A complete <svg>, legible on light and on dark.
std::string bar_chart_svg(const Title& title, const std::vector<Row>& rows);

// Named lines over one pair of axes.
struct Curve {
    std::string name;
    std::vector<std::pair<double, double>> points;  // x ascending
};
struct Axes {
    std::string x, y;  // what they are, with units
};
// A complete <svg>, legible on light and on dark.
std::string line_chart_svg(const Title& title, const Axes& axes, const std::vector<Curve>& curves);
// Writes NAME.svg; as write_report.
bool write_picture(const std::filesystem::path& folder, std::string_view name,
                   const std::string& svg);

// Writes NAME.json and NAME.svg into `folder`, which is made when missing. False when the disk
// refuses; the reason is on standard error.
bool write_report(const std::filesystem::path& folder, std::string_view name, const Title& title,
                  const std::vector<Row>& rows);

}  // namespace mutirao::bench
