#include "train/line_rows.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "links/transfer.hpp"
#include "train/line_run.hpp"
#include "train/results.hpp"

namespace mutirao::bench {

namespace {

constexpr std::uint32_t kEnds = 2;  // one core each
constexpr std::uint32_t kAnySteps = 100;
constexpr std::uint64_t kSeed = 1;
constexpr double kDelay = 0.01;                 // s, one way
constexpr double kPacketShare = 1460.0 / 1400;  // with headers, over payload
constexpr LinkShape kFast{100e6, 100e6, 0.0005, 0};

// Each value every 180 steps, as in `mutirao, frugal`, whose losses are measured: two bits of
// everything fit beside so many, even where R = 1,100 (162 steps and a tenth to spare), and a
// faster line does not wait for round trips. In few pieces: a small message pays a fifth of its
// size in headers, and the slower the line, the more must a turn have to spare for one packet that
// waits twice, at the sender's and at the receiver's end.
struct Case {
    double r;
    const char* method;
    std::uint32_t fragments;
    std::uint32_t local_steps;  // of one piece's turn
    Goal goal;                  // of the ratio, for an R as measured
};
std::vector<Case> cases(bool is_short) {
    if (is_short) return {{20, kOurs, 4, 14, {Goal::Of::ratio_at_least, 0.97}}};
    return {{357.5, kOurs, 4, 45, {Goal::Of::ratio_at_least, 0.97}},
            {1100, kOurs, 2, 90, {Goal::Of::ratio_at_least, 1000}}};
}

train::RunSettings settings_of(const Case& wanted, std::uint32_t rounds) {
    for (const auto& method : methods(kAnySteps))
        if (method.name == wanted.method) {
            auto settings = with(method, method.rates.front(), kSeed).settings;
            settings.fragments = wanted.fragments;
            settings.local_steps = wanted.local_steps;
            settings.rounds = rounds;
            settings.warmup_steps = 1;
            return settings;
        }
    ENSURE(false, "there is no such method");
}

struct Measured {
    LineResult gloo, ours;
    double bits = 0;  // a second, of the line
    double r = 0;     // steps of ours that one all-reduce took
};

Result<LineResult> say(const char* what, Result<LineResult> result) {
    if (result.ok())
        std::cerr << what << ": step " << digits(result->step_seconds * 1e3, 1) << " ms, exchange "
                  << digits(result->exchange_seconds, 3) << " s\n";
    return result;
}

// Finds the rate at which Gloo's all-reduce takes R steps, by one trial; then runs both.
Result<Measured> measure_case(RealLine& line, const LineMeasure& measure, const Case& wanted) {
    LineRun rounds{LineProgram::rounds, settings_of(wanted, 20), kEnds, 0, measure.text_file};
    line.set_shape(kFast);
    TRY(const auto probe, say("our step", run_over(line, rounds)));
    LineRun gloo = rounds;
    gloo.program = LineProgram::gloo;
    gloo.steps = 1;
    gloo.seconds_max = 300;
    const double wanted_seconds = wanted.r * probe.step_seconds;
    // A ring of two sends each value twice in halves: 2 bytes a parameter.
    Measured out;
    const double parameters = 139584;
    out.bits = 8 * 2 * parameters * kPacketShare / wanted_seconds;
    line.set_shape({out.bits, out.bits, kDelay, 0});
    TRY(const auto trial, say("trial of Gloo", run_over(line, gloo)));
    out.bits *= trial.exchange_seconds / wanted_seconds;
    line.set_shape({out.bits, out.bits, kDelay, 0});
    gloo.steps = measure.gloo;
    TRY(out.gloo, say("Gloo", run_over(line, gloo)));
    rounds.settings.rounds = static_cast<std::uint32_t>(std::ceil(
        measure.seconds / (probe.step_seconds * static_cast<double>(wanted.local_steps))));
    TRY(out.ours, say("ours", run_over(line, rounds)));
    out.r = out.gloo.exchange_seconds / out.ours.step_seconds;
    return out;
}

// What the simulated links say to the same run.
double simulated_utilisation(const Case& wanted, const Measured& measured) {
    const Experiment experiment{.settings = settings_of(wanted, 200), .workers = kEnds};
    Outcome outcome;
    outcome.step_seconds = measured.ours.step_seconds;
    outcome.payload_bytes = measured.ours.payload_bytes;
    return timeline(experiment, outcome, Exchange::all_gather,
                    {measured.bits, measured.bits, kDelay, 0})
        .utilisation;
}

void case_rows(const Case& wanted, const Measured& measured, std::vector<Row>& rows) {
    const auto& [gloo, ours, bits, r] = measured;
    auto goal = wanted.goal;
    if (goal.number < 1) goal.number *= r + 1;
    const std::string name =
        "real line, two workers: tokens/s, Gloo's all-reduce taking " + digits(r, 0) + " steps";
    rows.push_back(
        {name, ours.tokens_a_second, "tokens/s", "Gloo, fp16", gloo.tokens_a_second, goal,
         digits(bits / 1e6, 2) + " Mbit/s, " + digits(2e3 * kDelay, 0) +
             " ms there and back; step " + digits(ours.step_seconds * 1e3, 1) + " ms, all-reduce " +
             digits(gloo.exchange_seconds, 2) + " s; ceiling " + digits(r + 1, 0) + " x"});
    rows.push_back(
        {"real line: share of the time in inner steps, each parameter every " +
             std::to_string(wanted.fragments * wanted.local_steps) + " steps",
         100 * ours.utilisation, "%", "the same simulated",
         100 * simulated_utilisation(wanted, measured), Goal{Goal::Of::value_at_least, 97},
         "wall time; waited " + digits(ours.exchange_seconds * 1e3, 2) +
             " ms a round for payloads of " + short_number(ours.payload_bytes) + " bytes"});
}

// The links of "seconds to a loss": the same transfers, simulated and real.
Result<Row> link_row() {
    constexpr std::uint32_t kPeers = 4;
    constexpr std::size_t kBytes = 30000;
    const LinkShape slow{1e6, 1e6, 0.025, 0.001};
    TRY(const auto line, RealLine::start(kPeers, slow, kSeed));
    TRY(const auto real, real_all_gather(*line, kPeers, kBytes));
    ShapedNetwork network(kPeers, slow, kSeed);
    const auto simulated = all_gather(network, std::vector<double>(kPeers, 0), kBytes);
    return Row{"real line: 30 kB from each of 4 to each other, 1 Mbit/s, 50 ms, 0.1 % lost",
               *std::max_element(real.begin(), real.end()),
               "s",
               "the same simulated",
               *std::max_element(simulated.begin(), simulated.end()),
               {},
               "plain TCP; what the simulated times below rest on"};
}

}  // namespace

double line_rows(const LineMeasure& measure, std::vector<Row>& rows) {
    const auto failed = [&](const Error& error) {
        rows.push_back({"real line", {}, "tokens/s", "Gloo, fp16", {}, {}, error.message});
    };
    auto link = link_row();
    if (!link.ok()) return failed(link.error()), 1;
    const double longer = *link->ratio();
    rows.push_back(std::move(link).value());
    auto line = RealLine::start(kEnds, kFast, kSeed);
    if (!line.ok()) return failed(line.error()), longer;
    auto all = cases(measure.is_short);
    all.resize(std::min(all.size(), measure.rates));
    for (const auto& wanted : all) {
        const auto measured = measure_case(**line, measure, wanted);
        if (!measured.ok()) return failed(measured.error()), longer;
        case_rows(wanted, *measured, rows);
    }
    return longer;
}

}  // namespace mutirao::bench
