#include "cli/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/output.hpp"

namespace mutirao::cli {
namespace {

constexpr double kClockWeakS = 0.5, kClockBadS = 5;
constexpr double kRoundTripWeakS = 0.3;
constexpr double kUpWeakBits = 1e6, kDownWeakBits = 4e6;
constexpr std::uint64_t kGigabyte = 1'000'000'000;

std::string number(const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

std::string rate(double bits) {
    return bits >= 1e6 ? number("%.1f Mbit/s", bits / 1e6) : number("%.0f kbit/s", bits / 1e3);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

template <class Field>
std::vector<double> all(const std::vector<PeerFacts>& peers, Field field) {
    std::vector<double> out;
    for (const auto& peer : peers) out.push_back(peer.*field);
    return out;
}

Finding disk(const MachineFacts& facts) {
    const double free_share = static_cast<double>(facts.disk_free_bytes) /
                              std::max(1.0, static_cast<double>(facts.disk_bytes));
    Finding out{"disk",
                Health::good,
                size_text(facts.disk_free_bytes) + " of " + size_text(facts.disk_bytes) +
                    " are free where the home folder is",
                "",
                static_cast<double>(facts.disk_free_bytes) / kGigabyte,
                "GB"};
    if (facts.disk_free_bytes < kGigabyte) {
        out.health = Health::bad;
        out.advice = "make room: with less than 1 GB a node soon refuses fragments";
    } else if (facts.disk_free_bytes < 10 * kGigabyte || free_share < 0.05) {
        out.health = Health::weak;
        out.advice = "make room, or limit what a storage node keeps: mutirao node --quota BYTES";
    }
    return out;
}

Finding processor(const MachineFacts& facts) {
    Finding out{"processor",
                Health::good,
                std::to_string(facts.cores) + " cores, " +
                    (facts.avx512 ? "AVX-512"
                     : facts.avx2 ? "AVX2"
                                  : "neither AVX2 nor AVX-512"),
                "",
                static_cast<double>(facts.cores),
                "cores"};
    if (!facts.avx2 && !facts.avx512) {
        out.health = Health::weak;
        out.advice =
            "it works, with training and coding several times slower than on a processor "
            "with AVX2";
    }
    return out;
}

Finding clock(const std::vector<PeerFacts>& peers) {
    const double ahead = median(all(peers, &PeerFacts::clock_ahead_s));
    Finding out{"clock",
                Health::good,
                "this clock and the peers' differ by " + number("%.3f s", std::abs(ahead)),
                "",
                -ahead,
                "s"};
    if (std::abs(ahead) >= kClockWeakS) {
        out.health = std::abs(ahead) >= kClockBadS ? Health::bad : Health::weak;
        out.advice = std::string("this clock is ") + (ahead > 0 ? "behind" : "ahead") +
                     " of the peers': licences and requests that carry a time are refused when it "
                     "is far off; switch time synchronisation on (timedatectl set-ntp true)";
    }
    return out;
}

Finding round_trip(const std::vector<PeerFacts>& peers) {
    const double seconds = median(all(peers, &PeerFacts::round_trip_s));
    Finding out{
        "round trip", Health::good,  "a call to a peer takes " + number("%.1f ms", seconds * 1e3),
        "",           seconds * 1e3, "ms"};
    if (seconds >= kRoundTripWeakS) {
        out.health = Health::weak;
        out.advice =
            "distant or congested: on a cable instead of wireless it may be less; training "
            "hides it, reads of small objects do not";
    }
    return out;
}

Finding bandwidth(const char* name, double bits, double weak) {
    Finding out{name, Health::good, rate(bits) + " to one peer at a time",
                "",   bits / 1e6,   "Mbit/s"};
    if (bits < weak) {
        out.health = Health::weak;
        out.advice =
            "slow for storage and reads; training works on it with few bytes a step: "
            "codec = \"dense2\" or \"topk2\" and more local_steps in the run's file";
    }
    return out;
}

}  // namespace

std::string_view to_string(Health health) {
    static constexpr std::string_view kNames[] = {"ok", "warning", "problem"};
    return kNames[static_cast<std::size_t>(health)];
}

std::vector<Finding> diagnose_machine(const MachineFacts& facts) {
    Finding memory{"memory",
                   Health::good,
                   size_text(facts.memory_bytes) + " in all",
                   "",
                   static_cast<double>(facts.memory_bytes) / kGigabyte,
                   "GB"};
    if (facts.memory_bytes < 2 * kGigabyte) {
        memory.health = Health::weak;
        memory.advice = "enough for a storage node, short for a gateway or a trainer";
    }
    return {{"version", Health::good, "mutirao " + facts.version, ""},
            processor(facts),
            memory,
            disk(facts)};
}

std::vector<Finding> diagnose_network(std::size_t asked, const std::vector<PeerFacts>& answered) {
    Finding peers{"peers",
                  Health::good,
                  std::to_string(answered.size()) + " of " + std::to_string(asked) +
                      " peers that were asked answered",
                  "",
                  static_cast<double>(answered.size()),
                  "peers"};
    if (answered.empty()) {
        peers.health = Health::bad;
        peers.advice =
            "no peer can be called: is this machine on line, and does a firewall let "
            "outgoing connections through?";
        return {peers};
    }
    if (answered.size() < asked) {
        peers.health = Health::weak;
        peers.advice = "those that do not answer may be gone, or run an older version";
    }
    return {peers, round_trip(answered),
            bandwidth("upload", median(all(answered, &PeerFacts::up_bits)), kUpWeakBits),
            bandwidth("download", median(all(answered, &PeerFacts::down_bits)), kDownWeakBits),
            clock(answered)};
}

Finding diagnose_nat(const std::vector<PeerFacts>& answered,
                     const std::vector<std::string>& own_addresses) {
    for (const auto& peer : answered) {
        if (std::find(own_addresses.begin(), own_addresses.end(), peer.origin) !=
            own_addresses.end())
            continue;
        return {"NAT", Health::weak,
                "peers see this machine as " + peer.origin + ", which is none of its own addresses",
                "workers and clients need nothing more, since they call out; to serve others, "
                "forward a port at the router and name it: mutirao node --listen 0.0.0.0:PORT "
                "--advertise " +
                    peer.origin + ":PORT"};
    }
    return {"NAT", Health::good, "peers see this machine at an address of its own", ""};
}

Finding diagnose_endpoint(const std::string& name, const std::string& peer, const Status& dialled) {
    Finding out{"reachability of " + name, Health::good, peer + " reaches it", ""};
    if (dialled.ok()) return out;
    const auto& error = dialled.error();
    out.sentence = peer + " does not reach it: " + error.message;
    out.health = error.kind == ErrorKind::unavailable ? Health::bad : Health::weak;
    out.advice = error.kind == ErrorKind::permission_denied
                     ? "the endpoint names another address than this machine calls from: run "
                       "mutirao doctor on the node's own machine, or put its numeric address into "
                       "--advertise"
                     : "let the port through the firewall, forward it at the router, and name what "
                       "others call: mutirao node --advertise HOST:PORT";
    return out;
}

}  // namespace mutirao::cli
