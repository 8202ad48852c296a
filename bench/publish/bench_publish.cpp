// bench_publish [--quick] [--only local|shaped] [--out FOLDER]
//
// What a network writes and reads: on this machine, and behind links of 35 MB/s. measure.py runs
// the networks and measures; this makes the report.
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "report/report.hpp"

namespace {

using namespace mutirao;

std::optional<double> number_in(const boost::json::object& row, const char* name) {
    const auto& value = row.at(name);
    return value.is_null() ? std::nullopt : std::optional(value.to_number<double>());
}

bench::Row row_of(const boost::json::object& row) {
    bench::Row out;
    out.measure = row.at("measure").as_string();
    out.value = number_in(row, "value");
    out.unit = row.at("unit").as_string();
    out.peer = row.at("peer").as_string();
    out.peer_value = number_in(row, "peer_value");
    out.note = row.at("note").as_string();
    if (const auto goal = number_in(row, "goal")) {
        const auto& of = row.at("goal_of").as_string();
        out.goal = bench::Goal{of == "ratio at least"   ? bench::Goal::Of::ratio_at_least
                               : of == "value at least" ? bench::Goal::Of::value_at_least
                                                        : bench::Goal::Of::value_at_most,
                               *goal};
    }
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    std::filesystem::path folder = "build/bench";
    std::string command = std::string("exec python3 ") + MEASURE_SCRIPT;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        const bool has_value = i + 1 < argc;
        if (option == "--quick") {
            command += " --quick";
        } else if (option == "--out" && has_value) {
            folder = argv[++i];
        } else if (option == "--only" && has_value &&
                   (argv[i + 1] == std::string("local") || argv[i + 1] == std::string("shaped"))) {
            command += std::string(" --only ") + argv[++i];
        } else {
            std::cerr << "usage: bench_publish [--quick] [--only local|shaped] [--out FOLDER]\n";
            return 2;
        }
    }
    ::setenv("MUTIRAO_BINARY", MUTIRAO_BINARY, 0);
    std::FILE* const rows_from = ::popen(command.c_str(), "r");
    if (rows_from == nullptr) return 1;
    std::vector<bench::Row> rows;
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
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || rows.empty()) {
        std::cerr << "bench_publish: the measurements did not come to their end\n";
        return 1;
    }
    const bench::Title title{
        "Publishing and retrieval",
        "real processes, n = 3072 fragments a block, " +
            std::to_string(std::thread::hardware_concurrency()) +
            " cores for all of them; shaped runs: every node in a namespace of its own behind "
            "35 MB/s (tc tbf), beside a plain TCP stream over the same link"};
    std::cout << bench::table_text(title, rows);
    return bench::write_report(folder, "publish", title, rows) ? 0 : 1;
}
