// bench_publish [--quick] [--only local|shaped] [--out FOLDER]
//
// What a network writes and reads: on this machine, and behind links of 35 MB/s. measure.py runs
// the networks and measures; this makes the report.
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>

#include "report/script_rows.hpp"

using namespace mutirao;

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
    const auto rows = bench::rows_of_script(command);
    if (rows.empty()) {
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
