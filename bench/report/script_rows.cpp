#include "report/script_rows.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <sys/wait.h>

namespace mutirao::bench {
namespace {

std::optional<double> number_in(const boost::json::object& row, const char* name) {
    const auto& value = row.at(name);
    return value.is_null() ? std::nullopt : std::optional(value.to_number<double>());
}

Row row_of(const boost::json::object& row) {
    Row out;
    out.measure = row.at("measure").as_string();
    out.value = number_in(row, "value");
    out.unit = row.at("unit").as_string();
    out.peer = row.at("peer").as_string();
    out.peer_value = number_in(row, "peer_value");
    out.note = row.at("note").as_string();
    if (const auto goal = number_in(row, "goal")) {
        const auto& of = row.at("goal_of").as_string();
        out.goal = Goal{of == "ratio at least"   ? Goal::Of::ratio_at_least
                        : of == "value at least" ? Goal::Of::value_at_least
                                                 : Goal::Of::value_at_most,
                        *goal};
    }
    return out;
}

}  // namespace

std::vector<Row> rows_of_script(const std::string& command) {
    std::FILE* const rows_from = ::popen(command.c_str(), "r");
    if (rows_from == nullptr) return {};
    std::vector<Row> rows;
    std::string line;
    for (int c = std::fgetc(rows_from); c != EOF; c = std::fgetc(rows_from)) {
        if (c != '\n') {
            line.push_back(static_cast<char>(c));
            continue;
        }
        rows.push_back(row_of(boost::json::parse(line).as_object()));
        line.clear();
    }
    const int status = ::pclose(rows_from);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? rows : std::vector<Row>();
}

}  // namespace mutirao::bench
