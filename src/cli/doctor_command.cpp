// `mutirao doctor`: this machine, its line and its nodes, each with what to do about it.
#include <arpa/inet.h>
#include <filesystem>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/diagnosis.hpp"
#include "net/address.hpp"
#include "node/network_status.hpp"
#include "node/probe.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kPeersAsked = 5;
constexpr int kTries = 5;      // of a round trip; the least counts
constexpr int kTransfers = 3;  // of 1 MiB each way
constexpr auto kDeadline = std::chrono::seconds(5);
constexpr auto kTransferDeadline = std::chrono::seconds(20);

struct DoctorOptions {
    std::vector<std::string> endpoints;
};

struct Named {
    std::string name, endpoint;
};

MachineFacts machine_facts(const std::string& home) {
    MachineFacts out;
    out.cores = std::max(1u, std::thread::hardware_concurrency());
#if defined(__x86_64__)
    out.avx2 = __builtin_cpu_supports("avx2") != 0;
    out.avx512 = __builtin_cpu_supports("avx512f") != 0;
#endif
    out.memory_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
    std::error_code failed;
    const auto space = std::filesystem::space(home, failed);
    if (!failed) out.disk_free_bytes = space.available, out.disk_bytes = space.capacity;
    out.version = kVersion;
    return out;
}

// Numeric addresses of this machine's interfaces.
std::vector<std::string> own_addresses() {
    std::vector<std::string> out;
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return out;
    for (const auto* each = first; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr) continue;
        char text[INET6_ADDRSTRLEN] = "";
        const auto family = each->ifa_addr->sa_family;
        const void* bytes = nullptr;
        if (family == AF_INET)
            bytes = &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
        if (family == AF_INET6)
            bytes = &reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr;
        if (bytes != nullptr && ::inet_ntop(family, bytes, text, sizeof text) != nullptr)
            out.emplace_back(text);
    }
    ::freeifaddrs(first);
    return out;
}

Result<PeerFacts> measure_peer(Session& session, const Named& peer) {
    auto& network = session.network();
    auto& clock = session.clock();
    PeerFacts out{.name = peer.name, .round_trip_s = 1e9, .origin = {}};
    for (int i = 0; i < kTries; ++i) {
        TRY(const auto asked, node::ask(network, clock, peer.endpoint, 0, 0, kDeadline));
        const double seconds = std::chrono::duration<double>(asked.round_trip).count();
        if (seconds >= out.round_trip_s) continue;
        // The quickest answer says most about the clock, too.
        out.round_trip_s = seconds;
        out.clock_ahead_s = asked.clock_ahead_s;
        out.origin = asked.origin;
    }
    const auto rate = [&](std::size_t up, std::size_t down) -> Result<double> {
        double seconds = 0;
        for (int i = 0; i < kTransfers; ++i) {
            TRY(const auto asked,
                node::ask(network, clock, peer.endpoint, up, down, kTransferDeadline));
            seconds += std::chrono::duration<double>(asked.round_trip).count();
        }
        // The round trip itself carries nothing.
        seconds = std::max(seconds - kTransfers * out.round_trip_s, 1e-6);
        return 8.0 * static_cast<double>(kTransfers * node::kProbePaddingMax) / seconds;
    };
    TRY(out.up_bits, rate(node::kProbePaddingMax, 0));
    TRY(out.down_bits, rate(0, node::kProbePaddingMax));
    return out;
}

// The network's nodes, those of this home folder's own last: the others say more.
Result<std::vector<Named>> peers_of(Session& session, const std::vector<Named>& own) {
    TRY(auto nodes, session.directory().nodes());
    std::vector<Named> others, ours;
    for (const auto& node : nodes) {
        Named peer{std::string(node::role_name(node.role)) + " " + node.address.hex().substr(0, 8),
                   node.endpoint};
        const bool is_own = std::any_of(own.begin(), own.end(), [&](const Named& each) {
            return each.endpoint == node.endpoint;
        });
        (is_own ? ours : others).push_back(std::move(peer));
    }
    others.insert(others.end(), ours.begin(), ours.end());
    return others;
}

std::vector<Named> own_endpoints(Session& session, const DoctorOptions& options) {
    std::vector<Named> out;
    for (const auto& endpoint : options.endpoints) out.push_back({endpoint, endpoint});
    if (!out.empty()) return out;
    if (const auto file = session.network_file(); file.ok())
        for (const auto& process : file->processes) out.push_back({process.name, process.endpoint});
    return out;
}

// A peer that is not the endpoint itself calls it.
Finding check_endpoint(Session& session, const Named& own, const std::vector<Named>& peers) {
    for (const auto& peer : peers)
        if (peer.endpoint != own.endpoint)
            return diagnose_endpoint(
                own.name, peer.name,
                node::ask_to_dial(session.network(), peer.endpoint, own.endpoint));
    return {"reachability of " + own.name, Health::weak, "there is no other node to call it",
            "ask again once somebody else has joined the network"};
}

void look_at_network(Session& session, const DoctorOptions& options, std::vector<Finding>& all) {
    if (auto connected = session.connect(); !connected.ok()) {
        all.push_back({"network", Health::bad, connected.error().message,
                       "join one: mutirao up, or --ledger ACCOUNT@HOST:PORT"});
        return;
    }
    const auto own = own_endpoints(session, options);
    const auto found = peers_of(session, own);
    if (!found.ok() || found->empty()) {
        all.push_back({"network", Health::bad,
                       found.ok() ? "no node has joined the network" : found.error().message,
                       "start one: mutirao node --role storage"});
        return;
    }
    std::vector<Named> answering;
    std::vector<PeerFacts> facts;
    const auto asked = std::min(kPeersAsked, found->size());
    for (std::size_t i = 0; i < asked; ++i)
        if (auto peer = measure_peer(session, (*found)[i]); peer.ok()) {
            facts.push_back(std::move(peer).value());
            answering.push_back((*found)[i]);
        }
    for (auto& each : diagnose_network(asked, facts)) all.push_back(std::move(each));
    if (facts.empty()) return;
    all.push_back(diagnose_nat(facts, own_addresses()));
    for (const auto& each : own) all.push_back(check_endpoint(session, each, answering));
}

void show(const Output& out, const std::vector<Finding>& all) {
    for (const auto& each : all) {
        boost::json::object facts{{"check", each.check},
                                  {"health", to_string(each.health)},
                                  {"sentence", each.sentence},
                                  {"advice", each.advice},
                                  {"unit", each.unit}};
        facts["value"] = each.value ? boost::json::value(*each.value) : boost::json::value(nullptr);
        out.facts(facts);
        out.line(std::string(to_string(each.health)) + ": " + each.check + ": " + each.sentence +
                 (each.advice.empty() ? "" : "\n    -> " + each.advice));
    }
}

Status run_doctor(const GlobalOptions& globals, const DoctorOptions& options) {
    TRY(auto session, Session::open(globals));
    auto all = diagnose_machine(machine_facts(globals.home));
    look_at_network(*session, options, all);
    show(session->out(), all);
    const auto problems = std::count_if(
        all.begin(), all.end(), [](const Finding& each) { return each.health == Health::bad; });
    if (problems == 0) return {};
    return Error{ErrorKind::unavailable,
                 std::to_string(problems) + " of " + std::to_string(all.size()) +
                     " checks found a problem; what to do stands with each"};
}

}  // namespace

void add_doctor_command(CLI::App& app, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<DoctorOptions>();
    auto* doctor = app.add_subcommand(
        "doctor", "check this machine, its line and whether others reach its nodes");
    doctor->add_option("--endpoint", chosen->endpoints,
                       "ACCOUNT@IP:PORT of a node of yours that others should reach (default: "
                       "those of the home folder's network)");
    doctor->callback(
        [&, chosen] { action = [&options, chosen] { return run_doctor(options, *chosen); }; });
}

}  // namespace mutirao::cli
