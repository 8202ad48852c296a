// When each round of a measured run would be over, had its exchanges gone over given links: compute
// as measured, links simulated (shaped_network.hpp).
#pragma once

#include <optional>

#include "links/shaped_network.hpp"
#include "train/experiment.hpp"

namespace mutirao::bench {

// Dense and low-rank payloads of others are given a ring all-reduce that keeps their few bits at
// every hop, which flatters them; ours go from each worker to each other one, as they do.
enum class Exchange : std::uint8_t { all_gather, ring };

struct Timeline {
    std::vector<double> seconds;  // at each of the outcome's steps
    double total = 0;
    double utilisation = 0;  // share of `total` in inner steps
};

Timeline timeline(const Experiment& experiment, const Outcome& outcome, Exchange exchange,
                  const LinkShape& shape);

// Seconds until the held-out loss was `loss`, between measurements by straight lines; none when it
// never was.
std::optional<double> time_to_loss(const Outcome& outcome, const Timeline& timeline, double loss);

}  // namespace mutirao::bench
