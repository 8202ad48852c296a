// bench_coding [--out FOLDER] [--seconds S]: what one 32 MiB block costs on one thread.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "coding/block_costs.hpp"

int main(int argc, char** argv) {
    std::filesystem::path folder = "build/bench";
    double seconds = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--out" && i + 1 < argc) {
            folder = argv[++i];
        } else if (option == "--seconds" && i + 1 < argc) {
            seconds = std::atof(argv[++i]);
            if (!(seconds >= 0 && seconds <= 60)) {
                std::cerr << "--seconds takes a number from 0 to 60\n";
                return 2;
            }
        } else {
            std::cerr << "usage: bench_coding [--out FOLDER] [--seconds S]\n"
                         "  FOLDER gets coding.json and coding.svg (default build/bench)\n"
                         "  S is the time spent on each measure (default 1)\n";
            return option == "--help" ? 0 : 2;
        }
    }
    const auto rows = mutirao::bench::block_costs(seconds);
    std::cout << mutirao::bench::table_text(rows);
    const auto* title = "One 32 MiB block, one thread: time, against memcpy of the same bytes";
    if (!mutirao::bench::write_report(folder, "coding", title, rows)) return 1;
    std::cout << "wrote " << (folder / "coding.json").string() << " and coding.svg\n";
    return 0;
}
