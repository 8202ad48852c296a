// bench_train [--full] [--rounds N] [--no-peers] [--at-once N] [--out FOLDER]
//
// Training over slow links: our preset beside all-reduce and re-implementations of OpenDiLoCo,
// CocktailSGD and DiLoCoX (none of which is their authors' code). Losses, bytes and compute are
// measured; the links are simulated from them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "train/backend_measures.hpp"
#include "train/controller.hpp"
#include "train/dilocox_107b.hpp"
#include "train/methods.hpp"

namespace {

using namespace mutirao;
using bench::Goal;
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
    if (options.is_short()) options.steps = 40;
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

// A method's runs: its rate chosen on the first seed, then all seeds with it.
struct Results {
    bench::Method method;
    float rate = 0;
    std::string rates;  // the losses of all that were tried
    std::vector<bench::Outcome> seeds;

    double loss() const {
        double sum = 0;
        for (const auto& outcome : seeds) sum += outcome.final_loss();
        return sum / static_cast<double>(seeds.size());
    }
    double spread() const {  // standard deviation over seeds
        double sum = 0;
        for (const auto& outcome : seeds) sum += std::pow(outcome.final_loss() - loss(), 2);
        return seeds.size() < 2 ? 0 : std::sqrt(sum / static_cast<double>(seeds.size() - 1));
    }
    double bytes_a_step() const {  // and parameter, closing rounds included
        const auto& settings = method.experiment.settings;
        const double rounds = method.experiment.all_reduce
                                  ? static_cast<double>(settings.steps())
                                  : settings.rounds + settings.fragments - 1;
        return seeds[0].payload_bytes * rounds / seeds[0].parameters /
               static_cast<double>(settings.steps());
    }
};

std::string digits(double value, int places) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", places, value);
    return text;
}

std::vector<Results> measure(const Options& options, const Bytes& text) {
    std::vector<Results> all;
    std::vector<bench::Experiment> first;
    for (auto& method : bench::methods(options.steps)) {
        for (const float rate : method.rates) first.push_back(bench::with(method, rate, 1));
        all.push_back({std::move(method), 0, "", {}});
    }
    std::cerr << "choosing rates: " << first.size() << " runs\n";
    auto outcomes = bench::run_all(first, text, options.at_once);
    std::vector<bench::Experiment> rest;
    const int seeds = options.is_short() ? 1 : kSeeds;
    std::size_t at = 0;
    for (auto& results : all) {
        std::size_t best = at;
        for (const float rate : results.method.rates) {
            const auto& outcome = outcomes[at];
            results.rates +=
                (results.rates.empty() ? "" : ", ") + digits(rate, 3) + ": " +
                (outcome.losses.empty() ? "diverged" : digits(outcome.final_loss(), 3));
            if (!outcome.losses.empty() && (outcomes[best].losses.empty() ||
                                            outcome.final_loss() < outcomes[best].final_loss()))
                best = at;
            if (best == at) results.rate = rate;
            ++at;
        }
        ENSURE(!outcomes[best].losses.empty(), "a method diverged at all rates");
        results.seeds.push_back(outcomes[best]);
        for (int seed = 2; seed <= seeds; ++seed)
            rest.push_back(bench::with(results.method, results.rate, static_cast<unsigned>(seed)));
    }
    std::cerr << "other seeds: " << rest.size() << " runs\n";
    outcomes = bench::run_all(rest, text, options.at_once);
    at = 0;
    for (auto& results : all)
        for (int seed = 2; seed <= seeds; ++seed)
            if (auto outcome = outcomes[at++]; !outcome.losses.empty())
                results.seeds.push_back(std::move(outcome));
    return all;
}

const Results& find(const std::vector<Results>& all, std::string_view name) {
    return *std::find_if(all.begin(), all.end(),
                         [&](const Results& results) { return results.method.name == name; });
}

const bench::Method& find_method(const std::vector<bench::Method>& all, std::string_view name) {
    return *std::find_if(all.begin(), all.end(),
                         [&](const bench::Method& method) { return method.name == name; });
}

// What each worker sends in a ring all-reduce of gradients in bf16.
double ring_bytes(double parameters) {
    return 2.0 * (bench::kWorkers - 1) / bench::kWorkers * 2 * parameters;
}

void loss_rows(const std::vector<Results>& all, std::vector<Row>& rows) {
    const auto& ours = find(all, bench::kOurs);
    const std::string how = "rates tried: ";
    for (const auto& results : all) {
        if (&results == &ours) continue;
        rows.push_back({"held-out loss after equal tokens, mean of the seeds",
                        ours.loss(),
                        "nats/byte",
                        results.method.name,
                        results.loss(),
                        {},
                        "deviation " + digits(results.spread(), 3) + "; " + how + results.rates});
    }
    rows[rows.size() - all.size() + 1].note +=
        "; ours: deviation " + digits(ours.spread(), 3) + "; " + how + ours.rates;
    const double floor = find(all, bench::kAllReduce).loss();
    const double muon = find(all, bench::kAllReduceMuon).loss();
    const auto gap = [&](const char* name, double above) { return find(all, name).loss() - above; };
    const auto kept = bench::kDilocoxKeep;
    // The goals are for what sends no more than the peer does.
    for (const auto* name : {bench::kOurs, bench::kOursFrugal}) {
        const bool frugal = name == bench::kOursFrugal;
        const auto at_most = [&](double number) {
            return frugal ? std::optional(Goal{Goal::Of::value_at_most, number}) : std::nullopt;
        };
        rows.push_back({std::string(name) + ": loss above all-reduce (AdamW)", gap(name, floor),
                        "nats/byte", kept, gap(kept, floor), at_most(gap(kept, floor) / 2),
                        "below 0: better than all-reduce with AdamW"});
        rows.push_back({std::string(name) + ": loss above all-reduce with Muon", gap(name, muon),
                        "nats/byte", kept, gap(kept, floor), at_most(gap(kept, floor) / 2),
                        "each beside the all-reduce of its own inner optimizer"});
        rows.push_back({std::string(name) + ": bytes a parameter and inner step",
                        find(all, name).bytes_a_step(), "bytes", kept,
                        find(all, kept).bytes_a_step(), at_most(0.002),
                        "one worker's payloads to one other; all-reduce: 2"});
    }
}

// 1 Mbit/s each way, 50 ms there and back, 0.1 % of packets lost.
void time_rows(const std::vector<Results>& all, std::vector<Row>& rows) {
    const bench::LinkShape slow{1e6, 1e6, 0.025, 0.001};
    const double target = find(all, "opendiloco").loss();
    std::optional<double> best;
    std::map<std::string, std::optional<double>> seconds;
    for (const auto& results : all) {
        const auto& outcome = results.seeds[0];
        const auto times = bench::timeline(bench::with(results.method, results.rate, 1), outcome,
                                           results.method.exchange, slow);
        auto& reached = seconds[results.method.name];
        reached = bench::time_to_loss(outcome, times, target);
        const bool is_ours = results.method.name.starts_with(bench::kOurs);
        if (!is_ours && reached) best = std::min(best.value_or(*reached), *reached);
    }
    for (const auto* name : {bench::kOurs, bench::kOursFrugal})
        for (const auto& [peer, reached] : seconds) {
            if (peer.starts_with(bench::kOurs)) continue;
            std::optional<Goal> goal;
            if (best) goal = Goal{Goal::Of::value_at_most, *best};
            rows.push_back({std::string(name) + ": seconds to a loss of " + digits(target, 3) +
                                " at 1 Mbit/s, 50 ms, 0.1 % lost",
                            seconds[name], "s", peer, reached, goal,
                            std::string(seconds[name] ? "" : "ours never had that loss ") +
                                (reached ? "" : "the peer never had that loss")});
        }
}

// Inner steps' share of the time when each parameter is exchanged every `steps` steps over a link
// on which an all-reduce takes as long as `r` steps.
double share_of_steps(bench::Experiment experiment, const bench::Outcome& outcome,
                      bench::Exchange exchange, std::uint32_t steps, double r) {
    experiment.settings.local_steps = steps / experiment.settings.fragments;
    experiment.settings.rounds = 1000;
    const double bits = 8 * ring_bytes(outcome.parameters) / (r * outcome.step_seconds);
    return bench::timeline(experiment, outcome, exchange, {bits, bits, 0, 0}).utilisation;
}

// Tokens a second over those of all-reduce: r + 1 times the share, since an all-reduce's step and
// exchange take r + 1 steps.
void throughput_rows(const Options& options, const Bytes& text, std::vector<Row>& rows) {
    if (options.is_short()) return;
    const auto base = bench::methods(kSteps);
    const auto& dilocox = find_method(base, bench::kDilocox).experiment;
    auto settings = dilocox.settings;
    settings.codec.rank = 32;
    const auto theirs = bench::large_outcome(settings, text);
    auto ours = find_method(base, bench::kOurs).experiment;
    std::map<train::CodecKind, bench::Outcome> outcomes;
    const auto outcome_with = [&](const train::CodecSettings& codec) -> const bench::Outcome& {
        ours.settings.codec = codec;
        auto& outcome = outcomes[codec.kind];
        if (outcome.parameters == 0) outcome = bench::large_outcome(ours.settings, text);
        return outcome;
    };
    const auto probe = outcome_with({.kind = train::CodecKind::dense2});
    for (const double r : {357.5, 1100.0}) {
        const double rate = ring_bytes(probe.parameters) / (r * probe.step_seconds);
        const std::vector<train::LinkMeasured> links(bench::kWorkers, {rate, rate, 0});
        const auto plan = train::plan_round(links, probe.step_seconds,
                                            static_cast<std::uint64_t>(probe.parameters))
                              .value();
        const auto& outcome = outcome_with(plan.codec);
        const std::uint32_t fragments = ours.settings.fragments;
        const std::uint32_t steps = (plan.local_steps + fragments - 1) / fragments * fragments;
        const double speed =
            (r + 1) * share_of_steps(ours, outcome, bench::Exchange::all_gather, steps, r);
        const std::string name =
            "tokens/s over all-reduce's, an all-reduce taking " + digits(r, 1) + " steps";
        const std::string how = "3.3 M parameters, 4 workers; the controller chose " +
                                std::string(train::to_string(plan.codec.kind)) + " every " +
                                std::to_string(steps) + " steps; compute measured, link simulated";
        rows.push_back(
            {name, speed, "x", "ceiling", r + 1,
             r < 1000 ? Goal{Goal::Of::ratio_at_least, 0.97} : Goal{Goal::Of::value_at_least, 1000},
             how});
        rows.push_back({name,
                        speed,
                        "x",
                        "dilocox, every 125 steps",
                        (r + 1) * share_of_steps(dilocox, theirs, bench::Exchange::ring, 125, r),
                        {},
                        "low rank 32 in int4, compute measured, link simulated"});
    }
}

// Nothing of this is measured: 107 billion parameters are simulated (train/projection.hpp).
void projection_rows(std::vector<Row>& rows) {
    const auto replica = train::dilocox_replica();
    const std::uint32_t h = train::kDilocoxLocalSteps;
    const auto tokens = [&](const train::MethodModel& method, double bits, double round_trip = 0) {
        return train::project(replica, {bits, round_trip, 0}, method)->tokens_a_second;
    };
    const train::MethodModel all_reduce{.local_steps = 1, .payload_bytes = 2};
    const train::MethodModel full{h, train::kDilocoxInt4, true};
    const double bits = train::kDilocoxBits;
    const auto published = [&](const char* what, double ours, double theirs) {
        rows.push_back({std::string("simulated, 107 B over 1 Gbit/s: ") + what,
                        ours,
                        "tokens/s",
                        "published",
                        theirs,
                        {},
                        "the simulation's goal is to be within 15 %"});
    };
    published("all-reduce (fitted)", tokens(all_reduce, bits), train::kDilocoxAllReduce);
    published("DiLoCoX (fitted)", tokens(full, bits), train::kDilocoxFull);
    published("DiLoCoX without overlap", tokens({h, train::kDilocoxInt4, false}, bits),
              train::kDilocoxNoOverlap);
    published("DiLoCoX without compression", tokens({h, 2, true}, bits),
              train::kDilocoxNoCompression);
    published("CocktailSGD", tokens({1, train::kCocktailBytes}, bits), train::kDilocoxCocktail);
    const double dense2 = 0.2656, sparse = 0.0284;
    for (const auto& [name, link] : {std::pair{"1 Gbit/s", 1e9}, std::pair{"100 Mbit/s", 1e8}})
        for (const double round_trip : {0.05, 0.15}) {
            const bool fast = link > 5e8;
            const train::MethodModel ours{h, fast ? dense2 : sparse, true, false};
            rows.push_back({std::string("simulated, 107 B over ") + name + ", round trip " +
                                digits(round_trip * 1e3, 0) + " ms",
                            tokens(ours, link, round_trip),
                            "tokens/s",
                            "DiLoCoX",
                            tokens(full, link, round_trip),
                            {},
                            std::string(fast ? "dense2" : "topk2") +
                                " every 125 steps; all-reduce: " +
                                bench::short_number(tokens(all_reduce, link, round_trip))});
        }
    auto many = replica;
    many.replicas = 16;
    const train::MethodModel ours{h, sparse, true, false};
    const train::ChurnModel churn{
        .lost_a_round = 0.01, .grace_seconds = 60, .restart_seconds = 120};
    rows.push_back({"simulated, 16 replicas of 107 B, 1 % of them lost each round",
                    100 * train::project(many, {bits, 0.1, 0.001}, ours, churn)->utilisation,
                    "% of compute",
                    "",
                    {},
                    Goal{Goal::Of::value_at_least, 85},
                    "a minute of grace, two of restart, the parameters fetched again"});
}

void write_curves(const Options& options, const std::vector<Results>& all) {
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
    const bench::Title title{
        "Mutirão: training over slow links",
        "4 workers, equal tokens, " + std::to_string(options.steps) + " steps each; " +
            std::to_string(options.is_short() ? 1 : kSeeds) +
            " seeds. Losses, bytes and compute are measured, links simulated."};
    std::vector<Row> rows = bench::backend_rows(options.rounds, options.peers);
    throughput_rows(options, text, rows);
    const auto all = measure(options, text);
    loss_rows(all, rows);
    time_rows(all, rows);
    projection_rows(rows);
    std::cout << bench::table_text(title, rows);
    write_curves(options, all);
    if (!bench::write_report(options.folder, "train", title, rows)) return 1;
    std::cout << "\nwrote " << (options.folder / "train.json").string()
              << ", train.svg and train-loss.svg\n";
    return 0;
}
