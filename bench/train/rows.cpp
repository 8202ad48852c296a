#include "train/rows.hpp"

#include <algorithm>
#include <map>

#include "train/backend_measures.hpp"
#include "train/controller.hpp"
#include "train/dilocox_107b.hpp"

namespace mutirao::bench {

namespace {

constexpr std::uint32_t kAnySteps = 100;  // only codecs and schedules of the methods are looked at

const Method& find_method(const std::vector<Method>& all, std::string_view name) {
    return *std::find_if(all.begin(), all.end(),
                         [&](const Method& method) { return method.name == name; });
}

// What each worker sends in a ring all-reduce of gradients in bf16.
double ring_bytes(double parameters) {
    return 2.0 * (bench::kWorkers - 1) / bench::kWorkers * 2 * parameters;
}

// Inner steps' share of the time when each parameter is exchanged every `steps` steps over a link
// on which an all-reduce takes as long as `r` steps.
double share_of_steps(Experiment experiment, const Outcome& outcome, Exchange exchange,
                      std::uint32_t steps, double r) {
    experiment.settings.local_steps = steps / experiment.settings.fragments;
    experiment.settings.rounds = 1000;
    const double bits = 8 * ring_bytes(outcome.parameters) / (r * outcome.step_seconds);
    return timeline(experiment, outcome, exchange, {bits, bits, 0, 0}).utilisation;
}

}  // namespace

void loss_rows(const std::vector<Results>& all, std::vector<Row>& rows) {
    const auto& ours = find(all, kOurs);
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
    const double floor = find(all, kAllReduce).loss();
    const double muon = find(all, kAllReduceMuon).loss();
    const auto gap = [&](const char* name, double above) { return find(all, name).loss() - above; };
    const auto kept = kDilocoxKeep;
    // The goals are for what sends no more than the peer does.
    for (const auto* name : {kOurs, kOursFrugal}) {
        const bool frugal = name == kOursFrugal;
        const auto at_most = [&](double number) {
            return frugal ? std::optional(Goal{Goal::Of::value_at_most, number}) : std::nullopt;
        };
        rows.push_back({std::string(name) + ": loss above all-reduce (AdamW)", gap(name, floor),
                        "nats/byte", kept, gap(kept, floor), at_most(gap(kept, floor) / 2),
                        "below 0: better than all-reduce with AdamW"});
        rows.push_back({std::string(name) + ": loss above all-reduce with Muon", gap(name, muon),
                        "nats/byte", kept, gap(kept, muon), at_most(gap(kept, muon) / 2),
                        "the same baseline for both"});
        rows.push_back({std::string(name) + ": bytes a parameter and inner step",
                        find(all, name).bytes_a_step(), "bytes", kept,
                        find(all, kept).bytes_a_step(), at_most(0.002),
                        "one worker's payloads to one other; all-reduce: 2"});
    }
}

// Each of ours beside each peer, the less the better; the goal is the best peer.
void reached_rows(const std::string& measure, const std::string& unit,
                  const std::map<std::string, std::optional<double>>& reached,
                  const std::string& note, std::vector<Row>& rows) {
    std::optional<Goal> goal;
    for (const auto& [name, number] : reached)
        if (!name.starts_with(kOurs) && number)
            goal = Goal{Goal::Of::value_at_most, std::min(goal ? goal->number : 1e300, *number)};
    for (const auto* ours : {kOurs, kOursFrugal})
        for (const auto& [peer, number] : reached) {
            if (peer.starts_with(kOurs)) continue;
            const auto& own = reached.at(ours);
            rows.push_back({std::string(ours) + ": " + measure, own, unit, peer, number, goal,
                            note + (own ? "" : "; ours never had that loss") +
                                (number ? "" : "; the peer never had that loss")});
        }
}

// 1 Mbit/s each way, 50 ms there and back, 0.1 % of packets lost.
void time_rows(const std::vector<Results>& all, double longer, std::vector<Row>& rows) {
    const LinkShape slow{1e6 / longer, 1e6 / longer, 0.025, 0.001};
    const double target = find(all, kDilocoxKeep).seeds[0].final_loss();
    std::map<std::string, std::optional<double>> seconds, bytes;
    for (const auto& results : all) {
        const auto& outcome = results.seeds[0];
        auto times =
            timeline(with(results.method, results.rate, 1), outcome, results.method.exchange, slow);
        seconds[results.method.name] = time_to_loss(outcome, times, target);
        for (std::size_t i = 0; i < outcome.steps.size(); ++i)
            times.seconds[i] = outcome.steps[i] * results.bytes_a_step() * outcome.parameters / 1e6;
        bytes[results.method.name] = time_to_loss(outcome, times, target);
    }
    const std::string loss = " to a loss of " + digits(target, 3);
    reached_rows("seconds" + loss + " at 1 Mbit/s, 50 ms, 0.1 % lost", "s", seconds,
                 "compute measured, links simulated at 1 Mbit/s over " + digits(longer, 2) +
                     ", by which real ones took longer",
                 rows);
    reached_rows("one worker's payloads" + loss, "MB", bytes, "to one other worker", rows);
}

namespace {

// Runs of 3.3 million parameters whose rounds were timed, by codec.
class LargeRuns {
  public:
    explicit LargeRuns(const Bytes& text) : text_(text) {
        const auto all = methods(kAnySteps);
        ours_ = find_method(all, kOurs).experiment;
        theirs_ = find_method(all, kDilocox).experiment;
        auto settings = theirs_.settings;
        settings.codec.rank = 32;
        their_outcome_ = large_outcome(settings, text);
    }
    const Experiment& ours() const { return ours_; }
    const Experiment& theirs() const { return theirs_; }
    const Outcome& their_outcome() const { return their_outcome_; }
    const Outcome& outcome_with(const train::CodecSettings& codec) {
        ours_.settings.codec = codec;
        auto& outcome = outcomes_[codec.kind];
        if (outcome.parameters == 0) outcome = large_outcome(ours_.settings, text_);
        return outcome;
    }

  private:
    const Bytes& text_;
    Experiment ours_, theirs_;
    Outcome their_outcome_;
    std::map<train::CodecKind, Outcome> outcomes_;
};

// Tokens a second over those of all-reduce: r + 1 times the share, since an all-reduce's step and
// exchange take r + 1 steps.
void rate_rows(LargeRuns& runs, double r, std::vector<Row>& rows) {
    const auto probe = runs.outcome_with({.kind = train::CodecKind::dense2});
    const double rate = ring_bytes(probe.parameters) / (r * probe.step_seconds);
    const std::vector<train::LinkMeasured> links(kWorkers, {rate, rate, 0});
    const auto plan =
        train::plan_round(links, probe.step_seconds, static_cast<std::uint64_t>(probe.parameters))
            .value();
    const auto& outcome = runs.outcome_with(plan.codec);
    const std::uint32_t fragments = runs.ours().settings.fragments;
    const std::uint32_t steps = (plan.local_steps + fragments - 1) / fragments * fragments;
    const double speed =
        (r + 1) * share_of_steps(runs.ours(), outcome, Exchange::all_gather, steps, r);
    const std::string name =
        "tokens/s over all-reduce's, an all-reduce taking " + digits(r, 1) + " steps";
    const std::string how = "3.3 M parameters, 4 workers; the controller chose " +
                            std::string(train::to_string(plan.codec.kind)) + " every " +
                            std::to_string(steps) + " steps; compute measured, link simulated";
    rows.push_back(
        {name, speed, "x", "ceiling", r + 1,
         r < 1000 ? Goal{Goal::Of::ratio_at_least, 0.97} : Goal{Goal::Of::value_at_least, 1000},
         how});
    rows.push_back(
        {name,
         speed,
         "x",
         "dilocox, every 125 steps",
         (r + 1) * share_of_steps(runs.theirs(), runs.their_outcome(), Exchange::ring, 125, r),
         {},
         "low rank 32 in int4, compute measured, link simulated"});
}

}  // namespace

void throughput_rows(const Bytes& text, std::vector<Row>& rows) {
    LargeRuns runs(text);
    for (const double r : {357.5, 1100.0}) rate_rows(runs, r, rows);
}

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
    // Two bits of everything where that hides beside 125 steps, few values where it does not; with
    // one replica in a hundred rounds lost, as in "10 % in 10 rounds".
    const double dense2 = 0.2656, sparse = 0.0284;
    const train::ChurnModel rare{.lost_a_round = 0.01, .grace_seconds = 60, .restart_seconds = 120};
    for (const auto& [name, link] : {std::pair{"1 Gbit/s", 1e9}, std::pair{"100 Mbit/s", 1e8}})
        for (const double round_trip : {0.05, 0.15})
            for (const bool is_churned : {false, true}) {
                const bool fast = link > 5e8;
                const train::LinkModel line{link, round_trip, 0.001};
                const train::MethodModel ours{h, fast ? dense2 : sparse, true, false};
                const auto churn = is_churned ? rare : train::ChurnModel{};
                const auto mine = *train::project(replica, line, ours, churn);
                const auto theirs = *train::project(replica, line, full, churn);
                rows.push_back(
                    {std::string("simulated, 107 B over ") + name + ", round trip " +
                         digits(round_trip * 1e3, 0) + " ms, 0.1 % of packets lost" +
                         (is_churned ? ", 1 % of replicas lost a round" : ""),
                     mine.tokens_a_second,
                     "tokens/s",
                     "DiLoCoX",
                     theirs.tokens_a_second,
                     {},
                     std::string(fast ? "dense2" : "topk2") + " every 125 steps; compute " +
                         digits(100 * mine.utilisation, 1) + " %, DiLoCoX's " +
                         digits(100 * theirs.utilisation, 1) + " %; all-reduce: " +
                         short_number(tokens(all_reduce, link, round_trip)) + " tokens/s" +
                         (is_churned && !fast ? "; the replica that is left waits for nobody"
                                              : "")});
            }
    auto many = replica;
    many.replicas = 16;
    const train::MethodModel ours{h, sparse, true, false};
    rows.push_back({"simulated, 16 replicas of 107 B, 1 % of them lost each round",
                    100 * train::project(many, {bits, 0.1, 0.001}, ours, rare)->utilisation,
                    "% of compute",
                    "",
                    {},
                    Goal{Goal::Of::value_at_least, 85},
                    "a minute of grace, two of restart, the parameters fetched again"});
}

}  // namespace mutirao::bench
