// Figures for Prometheus (exposition.hpp). Figures that there are none of are left out. Names begin
// with mutirao_; units are in them (bytes, seconds, nats a byte). Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "gateway/exposition.hpp"
#include "gateway/status_page.hpp"

namespace mutirao::gateway {

// The network's, as a gateway sees it: nodes, the chain, what is stored, and the latest run.
std::string metrics_text(const StatusSnapshot& snapshot);

// One run as one of its workers sees it.
struct WorkerRun {
    struct Round {  // the last one that is over
        std::uint32_t round = 0;
        double training_loss = 0;               // nats a byte, as everywhere
        std::optional<double> held_out_loss{};  // one worker measures it
        double tokens_per_second = 0;
        std::uint64_t tokens = 0;      // since the start
        std::uint64_t bytes_sent = 0;  // since the start
    };
    std::string run;  // hex
    bool under_way = false, failed = false;
    std::uint32_t rounds_total = 0;
    std::uint32_t healed = 0;     // times that it took others' state
    std::uint32_t left_out = 0;   // rounds that it came too late for
    std::size_t cheaters = 0;     // that it found
    std::optional<Round> last{};  // none before the first round
};

// A trainer's own, by run.
std::string worker_metrics_text(std::span<const WorkerRun> runs);

}  // namespace mutirao::gateway
