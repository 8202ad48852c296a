// bench_train [--full] [--rounds N] [--no-peers] [--at-once N] [--out FOLDER]
//
// Training over slow links: our preset beside all-reduce and re-implementations of OpenDiLoCo,
// CocktailSGD and DiLoCoX (none of which is their authors' code). Losses, bytes and compute are
// measured; the links are simulated from them.
#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>

#include "train/backend_measures.hpp"
#include "train/rows.hpp"

namespace {

using namespace mutirao;
using bench::Row;

constexpr std::uint32_t kSteps = 600, kFullSteps = 2400;
constexpr int kSeeds = 3;
constexpr const char* kText = "build/bench/train/handbook.txt";

struct Options {
    std::filesystem::path folder = "build/bench";
    bool peers = true;
    int rounds = 6;  // of the backends' steps; 1 makes all of it short
    std::uint32_t steps = kSteps;
    unsigned at_once = 2;
    bool is_short() const { return rounds == 1; }
};

bool to_number(std::string_view text, unsigned most, auto& out) {
    unsigned number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size() || number < 1 || number > most)
        return false;
    out = static_cast<std::remove_cvref_t<decltype(out)>>(number);
    return true;
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const bool more = i + 1 < argc;
        if (option == "--full") {
            options.steps = kFullSteps;
        } else if (option == "--no-peers") {
            options.peers = false;
        } else if (option == "--out" && more) {
            options.folder = argv[++i];
        } else if (option == "--rounds" && more) {
            if (!to_number(argv[++i], 100, options.rounds)) return false;
        } else if (option == "--at-once" && more) {
            if (!to_number(argv[++i], 64, options.at_once)) return false;
        } else {
            return false;
        }
    }
    if (options.is_short()) options.steps = 20;
    return true;
}

// A text that any machine has: words drawn from a small list, for the check that the bench runs.
Bytes made_up_text() {
    static const std::vector<std::string> words{"a ",    "vila ", "planta ", "milho ", "e ",
                                                "casa ", "de ",   "chuva ",  "todos ", ".\n"};
    SeededRandom random(1);
    std::string text;
    while (text.size() < 100000) text += words[random.below(words.size())];
    return to_bytes(as_bytes(text));
}

void write_curves(const Options& options, const std::vector<bench::Results>& all) {
    std::vector<bench::Curve> curves;
    for (const auto& results : all) {
        const auto& outcome = results.seeds[0];
        bench::Curve curve{results.method.name, {}};
        for (std::size_t i = 0; i < outcome.losses.size(); ++i)
            curve.points.emplace_back(outcome.steps[i], outcome.losses[i]);
        curves.push_back(std::move(curve));
    }
    const bench::Title title{"Mutirão: held-out loss by inner step",
                             "4 workers, a GPT of 139,584 parameters, Debian's handbook in "
                             "Portuguese; first seed, best of three rates each"};
    if (!bench::write_picture(
            options.folder, "train-loss",
            bench::line_chart_svg(title, {"inner steps of each worker", "held-out loss, nats/byte"},
                                  curves)))
        std::cerr << "the loss curves could not be written\n";
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::cerr
            << "usage: bench_train [--full] [--rounds N] [--no-peers] [--at-once N] "
               "[--out FOLDER]\n"
               "  FOLDER gets train.json, train.svg and train-loss.svg (default build/bench)\n"
               "  --full: 2,400 steps instead of 600\n"
               "  --rounds: timed steps of each backend, 1 to 100 (default 6); 1 makes every "
               "part short\n"
               "  --no-peers: without libtorch\n"
               "  --at-once: runs side by side, each on one core (default 2)\n";
        return 2;
    }
    std::ifstream file(kText, std::ios::binary);
    Bytes text((std::istreambuf_iterator<char>(file)), {});
    if (options.is_short()) text = made_up_text();
    if (text.empty()) {
        std::cerr << kText << " is missing: bench/train/prepare writes it\n";
        return 1;
    }
    const int seeds = options.is_short() ? 1 : kSeeds;
    const bench::Title title{
        "Mutirão: training over slow links",
        "4 workers, equal tokens, " + std::to_string(options.steps) + " steps each; " +
            std::to_string(seeds) +
            " seeds. Losses, bytes and compute are measured, links simulated."};
    std::vector<Row> rows = bench::backend_rows(options.rounds, options.peers);
    if (!options.is_short()) bench::throughput_rows(text, rows);
    auto methods = bench::methods(options.steps);
    if (options.is_short())
        for (auto& method : methods) method.rates.resize(1);
    const auto all = bench::measure(std::move(methods), seeds, text, options.at_once);
    bench::loss_rows(all, rows);
    bench::time_rows(all, rows);
    bench::projection_rows(rows);
    std::cout << bench::table_text(title, rows);
    write_curves(options, all);
    if (!bench::write_report(options.folder, "train", title, rows)) return 1;
    std::cout << "\nwrote " << (options.folder / "train.json").string()
              << ", train.svg and train-loss.svg\n";
    return 0;
}
