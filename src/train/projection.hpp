// How fast a run too large for this machine would be: a simulation of its replicas, round by round,
// from the time of one step, the bytes that travel and the links. Nothing here is a measurement of
// such a run; projection_test.cpp holds it to what DiLoCoX's authors published of theirs.
//
// A replica is one copy of the model, however many devices hold it; its link is its slowest way to
// the others. Seconds, bytes and bits are real ones; the same seed gives the same history.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace mutirao::train {

struct ReplicaModel {
    std::uint32_t replicas = 2;
    double parameters = 0;
    double step_seconds = 0;
    double tokens_a_step = 0;  // of one replica
    double codec_seconds = 0;  // a round: encoding, decoding, outer step; not hidden
};

struct LinkModel {
    double bits_a_second = 0;  // each way, at once
    double round_trip_seconds = 0;
    double lost_packets = 0;  // share; what is lost travels again and costs a round trip at the end
};

struct MethodModel {
    std::uint32_t local_steps = 1;
    double payload_bytes = 2;  // a parameter and round
    bool overlapped = false;   // beside the next round's steps
    bool ring = true;          // a ring all-reduce; else each payload to each other replica
};

// Replicas are lost, each with this chance a round, at any step of it. The others wait for a grace
// window, go on without, and one that is lost comes back: it restarts, fetches the parameters
// (2 bytes each) over its link, and begins with the next round.
struct ChurnModel {
    double lost_a_round = 0;
    double grace_seconds = 0;
    double restart_seconds = 0;
};

struct Projection {
    double tokens_a_second = 0;
    double utilisation = 0;  // of what all replicas would do that only compute
    double exchange_seconds = 0;
};

// invalid_argument when a number is not positive where it must be.
Result<Projection> project(const ReplicaModel& replica, const LinkModel& link,
                           const MethodModel& method, const ChurnModel& churn = {},
                           std::uint32_t rounds = 1000, std::uint64_t seed = 1);

}  // namespace mutirao::train
