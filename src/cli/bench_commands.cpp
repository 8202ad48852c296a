// `mutirao bench net`: what the user's own network does, measured by its gateway.
#include <algorithm>

#include "cli/commands.hpp"
#include "mutirao/v1/publish.pb.h"
#include "publish/object.hpp"

namespace mutirao::cli {
namespace {

constexpr auto kDeadline = std::chrono::minutes(10);
constexpr std::uint64_t kMebibyte = 1 << 20;

struct BenchOptions {
    std::string gateway;  // empty: that of the running network
    std::string what = "all";
    std::uint64_t size = 0;  // 0: what fits the measurement, as for the next two
    std::uint32_t count = 0;
    std::uint32_t threads = 0;
};

struct Measure {
    std::string name;
    std::string sentence;
    v1::MeasureRequest::What what;
    std::uint64_t size;
    std::uint32_t count;
    std::uint32_t threads;
};

std::vector<Measure> measures() {
    return {
        {"latency", "a certificate for 1 MiB in hand", v1::MeasureRequest::WRITE, kMebibyte, 50, 1},
        {"small", "1 KiB objects, packed", v1::MeasureRequest::WRITE, 1024, 4000, 64},
        {"write", "one object, block after block", v1::MeasureRequest::WRITE,
         8 * publish::kBlockPlainMax, 1, 1},
        {"read", "its blocks, one after another", v1::MeasureRequest::READ, 0, 2, 1}};
}

double percentile(std::vector<float> samples, double part) {
    if (samples.empty()) return 0;
    std::sort(samples.begin(), samples.end());
    const auto last = static_cast<double>(samples.size() - 1);
    return samples[static_cast<std::size_t>(part * last + 0.5)];
}

std::string fixed(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof(text), "%.*f", digits, value);
    return text;
}

Result<v1::MeasureReply> measure(Session& session, const std::string& gateway,
                                 const Measure& wanted) {
    v1::MeasureRequest request;
    request.set_what(wanted.what);
    request.set_size(wanted.size);
    request.set_count(wanted.count);
    request.set_threads(wanted.threads);
    return node::wire::call<v1::MeasureReply>(session.network(), gateway,
                                              "/mutirao.v1.Publish/Measure", request, kDeadline);
}

// Round trips of an empty call, in milliseconds.
Result<std::vector<float>> round_trips(Session& session, const std::string& gateway) {
    std::vector<float> out;
    for (int i = 0; i < 100; ++i) {
        const auto begun = session.clock().monotonic();
        TRY_VOID(measure(session, gateway, {"", "", v1::MeasureRequest::EMPTY, 0, 0, 0}));
        const std::chrono::duration<float, std::milli> took = session.clock().monotonic() - begun;
        out.push_back(took.count());
    }
    return out;
}

Status run_bench(const GlobalOptions& globals, const BenchOptions& options) {
    TRY(auto session, Session::open(globals));
    auto gateway = options.gateway;
    if (gateway.empty()) {
        TRY_VOID(session->connect());
        gateway = session->gateway();
    }
    TRY(const auto trips, round_trips(*session, gateway));
    std::vector<std::vector<std::string>> rows{
        {"measured", "of", "MB/s", "objects/s", "p50 ms", "p99 ms"},
        {"call", "an empty call to the gateway", "", "", fixed(percentile(trips, 0.5), 3),
         fixed(percentile(trips, 0.99), 3)}};
    boost::json::array facts;
    facts.push_back({{"what", "call"},
                     {"p50_ms", percentile(trips, 0.5)},
                     {"p99_ms", percentile(trips, 0.99)}});
    bool known = false;
    for (auto each : measures()) {
        if (options.what != "all" && options.what != each.name) continue;
        known = true;
        if (options.size != 0) each.size = options.size;
        if (options.count != 0) each.count = options.count;
        if (options.threads != 0) each.threads = options.threads;
        TRY(const auto reply, measure(*session, gateway, each));
        const std::vector<float> samples(reply.samples_ms().begin(), reply.samples_ms().end());
        const double rate = static_cast<double>(reply.bytes()) / 1e6 / reply.seconds();
        const double objects = static_cast<double>(samples.size()) / reply.seconds();
        rows.push_back({each.name, each.sentence, fixed(rate, 1), fixed(objects, 1),
                        fixed(percentile(samples, 0.5), 1), fixed(percentile(samples, 0.99), 1)});
        boost::json::array failures;
        for (const auto& failure : reply.failures()) failures.emplace_back(failure);
        facts.push_back({{"what", each.name},
                         {"size", each.size},
                         {"count", samples.size()},
                         {"bytes", reply.bytes()},
                         {"seconds", reply.seconds()},
                         {"mb_per_second", rate},
                         {"objects_per_second", objects},
                         {"p50_ms", percentile(samples, 0.5)},
                         {"p99_ms", percentile(samples, 0.99)},
                         {"failures", std::move(failures)}});
        if (!session->out().json())
            for (const auto& failure : reply.failures()) session->out().line("note: " + failure);
    }
    if (!known)
        return Error{ErrorKind::invalid_argument, "there is no measurement \"" + options.what +
                                                      "\"; they are all, latency, small, write "
                                                      "and read"};
    session->out().table(rows);
    session->out().line(
        "\nWrites are of user data, until the gateway holds the certificates; every node has\n"
        "checked and synced what it signed for. Reads are checked and decrypted.");
    session->out().facts({{"gateway", gateway}, {"measures", std::move(facts)}});
    return {};
}

}  // namespace

void add_bench_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* bench = app.add_subcommand("bench", "measure your own network");
    bench->require_subcommand(1);
    auto chosen = std::make_shared<BenchOptions>();
    auto* net = bench->add_subcommand("net", "how fast it stores and reads");
    net->add_option("--gateway", chosen->gateway,
                    "ACCOUNT@HOST:PORT of a gateway (default: the running network's)");
    net->add_option("--what", chosen->what, "all, latency, small, write or read")
        ->capture_default_str();
    net->add_option("--size", chosen->size, "bytes of an object (default: the measurement's own)");
    net->add_option("--count", chosen->count,
                    "objects, or how often they are read (default: the measurement's own)");
    net->add_option("--threads", chosen->threads,
                    "objects at a time (default: the measurement's own)");
    net->callback(
        [&, chosen] { action = [&options, chosen] { return run_bench(options, *chosen); }; });
}

}  // namespace mutirao::cli
