// How long a round is and how much of it is sent, from what was measured of links and steps: as
// often and as much as an exchange beside the steps allows.
//
// The rule: an exchange takes at most 0.9 of a round's compute, so that it is hidden with some
// room. Two bits of every value first, in rounds as short as that allows; where even the shortest
// leave time, more bits. Where it would take more than `local_steps_dense_max`, 64 of each 4096
// values instead, in rounds of up to `local_steps_max`. At equal bytes two bits of everything
// seldom come to a lower loss than a few values often (decision 22).
//
// Pure values; all peers that plan from the same numbers get the same plan. Any thread.
#pragma once

#include <span>

#include "train/pseudo_gradient.hpp"

namespace mutirao::train {

struct LinkMeasured {
    double up_bytes_a_second = 0, down_bytes_a_second = 0;
    double round_trip_seconds = 0;
};

struct RoundLimits {
    std::uint32_t local_steps_min = 15;
    std::uint32_t local_steps_dense_max = 150;
    std::uint32_t local_steps_max = 500;
    double exchange_share = 0.9;  // of a round's compute
};

struct RoundPlan {
    std::uint32_t local_steps = 0;
    CodecSettings codec;
    double exchange_seconds = 0;
    bool hidden = false;  // whether the exchange fits beside the steps

    bool operator==(const RoundPlan&) const = default;
};

// What a round's exchange takes: each worker sends its payload to each other one and gets theirs,
// both directions at once, and the last packet travels one way. 0 for one worker.
double exchange_seconds(const LinkMeasured& link, double payload_bytes, std::uint32_t workers);

// The plan that the slowest of `links` can follow; `step_seconds` is of the slowest worker.
// invalid_argument when a number is not positive (a round trip may be 0) or there is no link.
Result<RoundPlan> plan_round(std::span<const LinkMeasured> links, double step_seconds,
                             std::uint64_t parameters, const RoundLimits& limits = {});

}  // namespace mutirao::train
