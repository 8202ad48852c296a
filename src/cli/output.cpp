#include "cli/output.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace mutirao::cli {
namespace {

constexpr int kFirstCode = 10;

// Columns that a UTF-8 text takes, at one a code point.
std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

}  // namespace

void Output::facts(const boost::json::object& object) const {
    if (json_) std::cout << boost::json::serialize(object) << std::endl;
}

void Output::line(const std::string& text) const {
    if (!json_) std::cout << text << std::endl;
}

void Output::table(const std::vector<std::vector<std::string>>& rows) const {
    if (json_ || rows.empty()) return;
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns(row[i]));
    for (const auto& row : rows) {
        std::string text;
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) text.append(widths[i] - columns(row[i]) + 2, ' ');
        }
        std::cout << text << '\n';
    }
    std::cout << std::flush;
}

int exit_code(const Error& error) { return kFirstCode + static_cast<int>(error.kind); }

int report(const Error& error, bool json) {
    std::cerr << "mutirao: " << error.message << std::endl;
    if (json)
        std::cerr << boost::json::serialize(boost::json::object{
                         {"error", {{"kind", to_string(error.kind)}, {"message", error.message}}}})
                  << std::endl;
    return exit_code(error);
}

std::string size_text(std::uint64_t bytes) {
    static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
    char text[32];
    std::snprintf(text, sizeof(text), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
    return text;
}

}  // namespace mutirao::cli
