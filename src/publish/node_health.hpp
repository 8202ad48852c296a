// Which storage nodes did not answer, or answered wrongly, a moment ago: they are left alone for a
// while, so that neither writes nor reads keep running into them.
#pragma once

#include <mutex>
#include <unordered_map>

#include "base/ports.hpp"

namespace mutirao::publish {

struct RestTimes {
    // A silent node rests so long, and twice as long after each further failure, up to the maximum.
    Duration silent = std::chrono::milliseconds(500);
    Duration silent_max = std::chrono::seconds(16);
    Duration corrupt = std::chrono::seconds(60);  // served or signed what is wrong
};

// Any thread may call. The clock must outlive it.
class NodeHealth {
  public:
    explicit NodeHealth(Clock& clock, RestTimes times = {}) : clock_(clock), times_(times) {}

    void answered(const Address& node);
    // unavailable, timeout and corrupt make it rest; a refusal is an answer.
    void failed(const Address& node, const Error& error);
    bool rests(const Address& node) const;

  private:
    struct Rest {
        Duration length{0};
        Duration until{0};
    };

    Clock& clock_;
    const RestTimes times_;
    mutable std::mutex mutex_;                   // guards resting_
    std::unordered_map<Address, Rest> resting_;  // at most the nodes of the committees in use
};

}  // namespace mutirao::publish
