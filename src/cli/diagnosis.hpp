// From what was measured to what a person should do: `mutirao doctor`'s findings. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace mutirao::cli {

enum class Health : std::uint8_t { good, weak, bad };  // weak: works, and could be better
std::string_view to_string(Health health);             // "ok", "warning", "problem"

struct Finding {
    std::string check;  // "clock", "reachability of storage-1"
    Health health = Health::good;
    std::string sentence;              // what is so
    std::string advice;                // what to do about it; empty when good
    std::optional<double> value = {};  // the number that was judged, in `unit`
    std::string unit = {};
};

// This machine.
struct MachineFacts {
    unsigned cores = 0;
    bool avx2 = false, avx512 = false;
    std::uint64_t memory_bytes = 0;
    std::uint64_t disk_free_bytes = 0, disk_bytes = 0;  // of the home folder
    std::string version;                                // of the program
};
std::vector<Finding> diagnose_machine(const MachineFacts& facts);

// The way to one peer.
struct PeerFacts {
    std::string name;  // "storage 0x12..ab"
    double round_trip_s = 0;
    double up_bits = 0, down_bits = 0;  // a second
    double clock_ahead_s = 0;           // the peer's over ours
    std::string origin;                 // our address as it sees it
};
// `asked`: how many peers were called; those that answered are in `answered`.
std::vector<Finding> diagnose_network(std::size_t asked, const std::vector<PeerFacts>& answered);

// Whether we are behind a translated address: what peers see is none of this machine's.
Finding diagnose_nat(const std::vector<PeerFacts>& answered,
                     const std::vector<std::string>& own_addresses);

// One of our own endpoints, called back by `peer`.
Finding diagnose_endpoint(const std::string& name, const std::string& peer, const Status& dialled);

}  // namespace mutirao::cli
