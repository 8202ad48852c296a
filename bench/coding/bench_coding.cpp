// bench_coding [--quick] [--rounds N] [--no-peers] [--out FOLDER]
//
// What one 32 MiB block costs on one thread, beside other people's libraries.
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>
#include <thread>

#include "coding/block_measures.hpp"
#include "coding/code_measures.hpp"
#include "coding/sample.hpp"

namespace {

using namespace mutirao;

constexpr int kRounds = 15, kQuickRounds = 2, kRoundsMax = 1000;

struct Options {
    std::filesystem::path folder = "build/bench";
    std::string peers = "build/bench/peers";
    int rounds = kRounds;
};

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--quick") {
            options.rounds = kQuickRounds;
        } else if (option == "--no-peers") {
            options.peers.clear();
        } else if (option == "--out" && i + 1 < argc) {
            options.folder = argv[++i];
        } else if (option == "--rounds" && i + 1 < argc) {
            const std::string_view text = argv[++i];
            const auto [end, failure] =
                std::from_chars(text.data(), text.data() + text.size(), options.rounds);
            if (failure != std::errc() || end != text.data() + text.size() || options.rounds < 1 ||
                options.rounds > kRoundsMax)
                return false;
        } else {
            return false;
        }
    }
    return true;
}

std::string cpu_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name"))
            if (const auto at = line.find(": "); at != std::string::npos)
                return line.substr(at + 2);
    return "a CPU without a name";
}

// Busy machines give other figures than quiet ones: the reader is told.
std::string load() {
    double minute = 0;
    if (getloadavg(&minute, 1) != 1) return "";
    return ", load " + bench::short_number(minute) + " when it began";
}

std::vector<bench::Row> all_measures(const Options& options) {
    const auto block = bench::random_block();
    const ByteSpan data = block.span();
    const auto memory = bench::memory_measures(data);  // before anything else uses memory
    bench::Peers peers(options.peers);
    std::vector<bench::Row> rows;
    const auto append = [&](std::string_view step, const std::vector<bench::Row>& some) {
        std::cerr << "bench_coding: " << step << " measured\n";
        rows.insert(rows.end(), some.begin(), some.end());
    };
    append("encoding", bench::encode_measures(data, peers, options.rounds));
    append("two threads", bench::thread_measures(data, options.rounds));
    append("decoding", bench::decode_measures(data, peers, options.rounds));
    append("dispersal", bench::dispersal_measures(data, peers, options.rounds));
    append("memory", memory);
    append("a node's check", bench::share_measures(data, peers, options.rounds));
    append("the audit", bench::audit_measures(options.rounds));
    return rows;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::cerr
            << "usage: bench_coding [--quick] [--rounds N] [--no-peers] [--out FOLDER]\n"
               "  FOLDER gets coding.json and coding.svg (default build/bench)\n"
               "  --rounds: how often everything is measured, 1 to 1000 (default 15; --quick: 2)\n"
               "  --no-peers: ours alone\n";
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);  // a peer that ends is an error of that peer
    const bench::Title title{
        "Mutirão: one block of 32 MiB",
        cpu_name() + ", " + std::to_string(std::thread::hardware_concurrency()) + " CPUs" + load() +
            ". One thread; wall time, best of " + std::to_string(options.rounds) +
            " rounds in which all take turns. MB: 10^6 bytes of data."};
    const auto rows = all_measures(options);
    std::cout << bench::table_text(title, rows);
    if (!bench::write_report(options.folder, "coding", title, rows)) return 1;
    std::cout << "\nwrote " << (options.folder / "coding.json").string() << " and coding.svg\n";
    return 0;
}
