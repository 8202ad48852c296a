// bench_train [--quick | --full] [--rounds N] [--only PART] [--no-peers] [--at-once N] [--out
// FOLDER]
//
// Training over slow links: our preset beside all-reduce and re-implementations of OpenDiLoCo,
// CocktailSGD and DiLoCoX (none of which is their authors' code). Losses, bytes and compute are
// measured; the links are simulated from them.
#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>

#include "model/fresh_start_bench.hpp"
#include "train/backend_measures.hpp"
#include "train/churn.hpp"
#include "train/churn_processes.hpp"
#include "train/line_rows.hpp"
#include "train/rows.hpp"

namespace {

using namespace mutirao;
using bench::Row;

constexpr std::uint32_t kSteps = 600, kFullSteps = 2400, kQuickSteps = 200;
constexpr std::uint32_t kChurnSteps = 200;
constexpr int kSeeds = 3;
constexpr const char* kText = "build/bench/train/handbook.txt";

constexpr std::array kParts{"backends", "line", "links", "losses", "churn", "projection"};

struct Options {
    std::filesystem::path folder = "build/bench";
    bool peers = true;
    int rounds = 6;  // of the backends' steps; 1 makes all of it short
    std::uint32_t steps = kSteps;
    unsigned at_once = 2;
    bool quick = false;  // one seed, one rate, one line: a direction in two minutes
    std::string only;    // one of kParts; empty: all
    bool is_short() const { return rounds == 1; }
    int seeds() const { return is_short() || quick ? 1 : kSeeds; }
    bool wants(std::string_view part) const { return only.empty() || only == part; }
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
        } else if (option == "--quick") {
            options.quick = true;
            options.steps = kQuickSteps;
        } else if (option == "--no-peers") {
            options.peers = false;
        } else if (option == "--out" && more) {
            options.folder = argv[++i];
        } else if (option == "--rounds" && more) {
            if (!to_number(argv[++i], 100, options.rounds)) return false;
        } else if (option == "--at-once" && more) {
            if (!to_number(argv[++i], 64, options.at_once)) return false;
        } else if (option == "--only" && more) {
            options.only = argv[++i];
            if (std::find(kParts.begin(), kParts.end(), options.only) == kParts.end()) return false;
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
            options.folder, "train-curves",
            bench::line_chart_svg(title, {"inner steps of each worker", "held-out loss, nats/byte"},
                                  curves)))
        std::cerr << "the loss curves could not be written\n";
}

// One question each, with a table and a picture of its own.
struct Part {
    const char* name;
    std::vector<Row> rows;
};

double line_part(const Options& options, const Bytes& text, std::vector<Row>& rows) {
    const auto file = options.folder / "train-text";
    std::filesystem::create_directories(options.folder);
    std::ofstream(file, std::ios::binary) << as_text(text);
    bench::LineMeasure line{.text_file = file};
    if (options.quick) line.rates = 1, line.gloo = 1;
    if (options.is_short()) line.is_short = true, line.seconds = line.gloo = 1;
    const double longer = bench::line_rows(line, rows);
    std::filesystem::remove(file);
    return longer;
}

void losses_part(const Options& options, const Bytes& text, double longer, std::vector<Row>& rows) {
    auto methods = bench::methods(options.steps);
    const bool untuned = options.is_short() || options.quick;
    for (auto& method : methods)
        if (untuned) method.rates = {method.rates[method.rates.size() / 2]};
    const auto all = bench::measure(std::move(methods), options.seeds(), text, options.at_once);
    bench::loss_rows(all, rows);
    bench::time_rows(all, longer, rows);
    write_curves(options, all);
}

std::vector<Part> measure(const Options& options, const Bytes& text) {
    std::vector<Part> parts;
    double longer = 1;
    for (const std::string_view name : kParts) {
        if (!options.wants(name)) continue;
        auto& rows = parts.emplace_back(Part{name.data(), {}}).rows;
        if (name == "backends") rows = bench::backend_rows(options.rounds, options.peers);
        if (name == "line") longer = line_part(options, text, rows);
        if (name == "links" && !options.is_short() && !options.quick)
            bench::throughput_rows(text, rows);
        if (name == "losses") losses_part(options, text, longer, rows);
        if (name == "churn") bench::churn_rows(std::min(options.steps, kChurnSteps), text, rows);
        if (name == "churn" && !options.is_short()) bench::churn_process_rows(options.quick, rows);
        if (name == "projection") bench::projection_rows(rows);
        std::cerr << name << ": " << rows.size() << " rows\n";
    }
    return parts;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && argv[1] == model::kFreshStart) return bench::make_fresh_model(argv[2]) ? 0 : 1;
    Options options;
    if (!parse(argc, argv, options)) {
        std::cerr
            << "usage: bench_train [--quick | --full] [--rounds N] [--only PART] [--no-peers] "
               "[--at-once N] "
               "[--out FOLDER]\n"
               "  FOLDER gets train.json, train.svg, train-PART.svg and train-curves.svg (default "
               "build/bench)\n"
               "  --full: 2,400 steps instead of 600; --quick: 200, one seed, the middle rate "
               "untuned, one line; two minutes\n"
               "  --rounds: timed steps of each backend, 1 to 100 (default 6); 1 makes every "
               "part short\n"
               "  --only: backends, line, links, losses, churn or projection\n"
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
    const bench::Title title{
        "Mutirão: training over slow links",
        "4 workers, equal tokens, " + std::to_string(options.steps) + " steps each; " +
            std::to_string(options.seeds()) +
            (options.quick ? " seed, rates not tuned. " : " seeds. ") +
            "Losses, bytes and compute are measured; a row says what is simulated."};
    std::vector<Row> rows;
    for (const auto& part : measure(options, text)) {
        rows.insert(rows.end(), part.rows.begin(), part.rows.end());
        if (!part.rows.empty() &&
            !bench::write_picture(options.folder, std::string("train-") + part.name,
                                  bench::bar_chart_svg(title, part.rows)))
            return 1;
    }
    std::cout << bench::table_text(title, rows);
    if (!bench::write_report(options.folder, "train", title, rows)) return 1;
    std::cout << "\nwrote " << (options.folder / "train.json").string()
              << ", train.svg, a picture of each part and train-curves.svg\n";
    return 0;
}
