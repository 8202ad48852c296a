// Whether one direction of a connection moves fast enough while something is due on it: so many
// bytes, or all that is due, in every window of time. A peer that drips a byte a second is as good
// as gone, but holds memory. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/ports.hpp"

namespace mutirao::net {

struct PaceRule {
    Duration window;
    std::size_t bytes_min;  // in each window
};

class Pace {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Something is due from now on; what was due before is done.
    void began(Time now) {
        since_ = now;
        bytes_ = 0;
    }
    void moved(std::size_t bytes) { bytes_ += bytes; }
    // Asked again and again while something is due; exact to the time between two questions.
    bool is_too_slow(Time now, const PaceRule& rule) {
        if (now - since_ <= rule.window) return false;
        if (bytes_ < rule.bytes_min) return true;
        began(now);
        return false;
    }

  private:
    Time since_{};
    std::size_t bytes_ = 0;  // since then
};

}  // namespace mutirao::net
