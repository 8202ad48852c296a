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

std::string format(const char* pattern, double value) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), pattern, value);
    return text.data();
}

// JSON has no infinity; six digits are more than any measurement here is good for.
std::string json_number(std::optional<double> value) {
    return value && std::isfinite(*value) ? format("%.6g", *value) : "null";
}

std::string json_goal_of(const std::optional<Goal>& goal) {
    if (!goal) return "null";
    switch (goal->of) {
        case Goal::Of::ratio_at_least: return "\"ratio at least\"";
        case Goal::Of::value_at_least: return "\"value at least\"";
        case Goal::Of::value_at_most: return "\"value at most\"";
    }
    return "null";
}

bool write_file(const std::filesystem::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (file.good()) return true;
    std::cerr << "cannot write " << path.string() << "\n";
    return false;
}

std::string verdict(const Row& row) {
    if (!row.goal) return "";
    const auto ok = row.ok();
    return "goal " + goal_text(*row.goal, row.unit) + (!ok ? "" : *ok ? "  met" : "  NOT MET");
}

std::string figure(std::optional<double> value, std::string_view unit) {
    return value ? short_number(*value) + " " + std::string(unit) : "-";
}

}  // namespace

std::optional<double> Row::ratio() const {
    if (!value || !peer_value || *peer_value == 0) return std::nullopt;
    return *value / *peer_value;
}

std::optional<bool> Row::ok() const {
    if (!goal) return std::nullopt;
    const auto held = goal->of == Goal::Of::ratio_at_least ? ratio() : value;
    if (!held) return std::nullopt;
    return goal->of == Goal::Of::value_at_most ? *held <= goal->number : *held >= goal->number;
}

std::string short_number(double value) {
    const double size = std::abs(value);
    if (size < 0.1) return format("%.2g", value);
    return format(size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
}

std::string goal_text(const Goal& goal, std::string_view unit) {
    const std::string sign = goal.of == Goal::Of::value_at_most ? "<= " : ">= ";
    const auto of = goal.of == Goal::Of::ratio_at_least ? "x" : unit;
    return sign + format("%.6g", goal.number) + " " + std::string(of);
}

std::string table_text(const Title& title, const std::vector<Row>& rows) {
    constexpr int kName = 56, kFigure = 18, kRatio = 9;
    std::ostringstream out;
    out << title.what << "\n" << title.how << "\n";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        const bool of_value = row.goal && row.goal->of != Goal::Of::ratio_at_least;
        if (i == 0 || row.measure != rows[i - 1].measure)
            out << "\n"
                << std::left << std::setw(kName) << row.measure << std::right << std::setw(kFigure)
                << figure(row.value, row.unit)
                << (of_value ? std::string(kRatio + 2, ' ') + verdict(row) : "") << "\n";
        if (!row.peer.empty())
            out << std::left << std::setw(kName) << "    " + row.peer << std::right
                << std::setw(kFigure) << figure(row.peer_value, row.unit) << std::setw(kRatio)
                << (row.ratio() ? short_number(*row.ratio()) + " x" : "")
                << (of_value || !row.goal ? "" : "  " + verdict(row)) << "\n";
        if (!row.note.empty()) out << "        " << row.note << "\n";
    }
    return out.str();
}

std::string rows_json(const std::vector<Row>& rows) {
    std::string out = "[";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        const auto ok = row.ok();
        out += i == 0 ? "\n  " : ",\n  ";
        out += "{\"measure\": " + json_text(row.measure) +
               ", \"value\": " + json_number(row.value) + ", \"unit\": " + json_text(row.unit) +
               ", \"peer\": " + (row.peer.empty() ? "null" : json_text(row.peer)) +
               ", \"peer_value\": " + json_number(row.peer_value) +
               ", \"ratio\": " + json_number(row.ratio()) + ", \"goal\": " +
               json_number(row.goal ? std::optional(row.goal->number) : std::nullopt) +
               ", \"ok\": " + (ok ? (*ok ? "true" : "false") : "null") +
               ", \"goal_of\": " + json_goal_of(row.goal) + ", \"note\": " + json_text(row.note) +
               "}";
    }
    return out + "\n]\n";
}

namespace {

bool make_folder(const std::filesystem::path& folder) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure)
        std::cerr << "cannot make " << folder.string() << ": " << failure.message() << "\n";
    return !failure;
}

}  // namespace

bool write_report(const std::filesystem::path& folder, std::string_view name, const Title& title,
                  const std::vector<Row>& rows) {
    const auto file = (folder / name).string();
    return make_folder(folder) && write_file(file + ".json", rows_json(rows)) &&
           write_file(file + ".svg", bar_chart_svg(title, rows));
}

bool write_picture(const std::filesystem::path& folder, std::string_view name,
                   const std::string& svg) {
    return make_folder(folder) && write_file((folder / name).string() + ".svg", svg);
}

}  // namespace mutirao::bench
