#include "report/report.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <system_error>

namespace mutirao::bench {
namespace {

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        if (static_cast<unsigned char>(c) >= 0x20) out.push_back(c);
    }
    return out + "\"";
}

// JSON has no infinity; six digits are more than any measurement here is good for.
std::string number(double value) {
    if (!std::isfinite(value)) return "null";
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.6g", value);
    return text.data();
}

bool write_file(const std::filesystem::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (file.good()) return true;
    std::cerr << "cannot write " << path.string() << "\n";
    return false;
}

}  // namespace

std::string table_text(const std::vector<Row>& rows) {
    std::ostringstream out;
    out << std::left << std::setw(44) << "measure" << std::right << std::setw(12) << "value"
        << std::setw(12) << "peer" << std::setw(10) << "ratio"
        << "  unit, peer\n";
    out << std::fixed;
    for (const auto& row : rows)
        out << std::left << std::setw(44) << row.measure << std::right << std::setprecision(3)
            << std::setw(12) << row.value << std::setw(12) << row.peer_value << std::setprecision(2)
            << std::setw(10) << row.ratio() << "  " << row.unit << ", " << row.peer << "\n";
    return out.str();
}

std::string rows_json(const std::vector<Row>& rows) {
    std::string out = "[";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        out += i == 0 ? "\n  " : ",\n  ";
        out += "{\"measure\": " + json_text(row.measure) + ", \"value\": " + number(row.value) +
               ", \"unit\": " + json_text(row.unit) + ", \"peer\": " + json_text(row.peer) +
               ", \"peer_value\": " + number(row.peer_value) +
               ", \"ratio\": " + number(row.ratio()) +
               ", \"goal\": " + (row.goal ? number(*row.goal) : "null") +
               ", \"ok\": " + (row.ok ? (*row.ok ? "true" : "false") : "null") + "}";
    }
    return out + "\n]\n";
}

bool write_report(const std::filesystem::path& folder, std::string_view name,
                  std::string_view title, const std::vector<Row>& rows) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) {
        std::cerr << "cannot make " << folder.string() << ": " << failure.message() << "\n";
        return false;
    }
    const auto file = folder / name;
    return write_file(file.string() + ".json", rows_json(rows)) &&
           write_file(file.string() + ".svg", bar_chart_svg(title, rows));
}

}  // namespace mutirao::bench
