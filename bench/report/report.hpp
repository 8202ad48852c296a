// The rows that every bench writes (docs: bench/README.md), as a table, JSON and a picture.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mutirao::bench {

struct Row {
    std::string measure;
    double value = 0;
    std::string unit;
    std::string peer;  // what the value is compared with, measured in the same run
    double peer_value = 0;
    std::optional<double> goal;  // for `ratio`; none where there is none
    std::optional<bool> ok;

    double ratio() const { return value / peer_value; }
};

// Columns aligned, one row a line, with a heading.
std::string table_text(const std::vector<Row>& rows);
// A JSON array of {"measure","value","unit","peer","peer_value","ratio","goal","ok"}.
std::string rows_json(const std::vector<Row>& rows);
// Horizontal bars of `value`, longest first as given, each with its ratio. A complete <svg>.
std::string bar_chart_svg(std::string_view title, const std::vector<Row>& rows);

// Writes NAME.json and NAME.svg into `folder`, which is made when missing. False when the disk
// refuses; the reason is on standard error.
bool write_report(const std::filesystem::path& folder, std::string_view name,
                  std::string_view title, const std::vector<Row>& rows);

}  // namespace mutirao::bench
