// Certificates that several threads bring at the same time, verified together: what an equation
// costs beside its terms is paid once for all of them. Any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "block/certificate.hpp"

namespace mutirao::ledger {

class Gathering {
  public:
    using Verify = std::function<void(std::span<const block::Certificate> certificates)>;
    // Returns once `verify` was called with all of `mine`, here or by another thread that took them
    // along: whoever finds nobody at work verifies all that wait. A thread waits for two calls at
    // most. `verify` must not throw.
    void bring(std::vector<block::Certificate> mine, const Verify& verify);

  private:
    std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    std::vector<block::Certificate> waiting_;
    std::uint64_t group_ = 1;     // of those that wait
    std::uint64_t verified_ = 0;  // groups up to it
    bool at_work_ = false;
};

}  // namespace mutirao::ledger
