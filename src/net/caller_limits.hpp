// What one caller may have under way, and how fast it may ask, so that nobody takes a server's
// memory or time from the others.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/ports.hpp"
#include "net/caller.hpp"

namespace mutirao::net {

struct CallerQuota {
    std::size_t calls_max = 64;         // under way
    std::size_t bytes_max = 128 << 20;  // of requests under way
    double calls_a_second = 5000;       // sustained
    double burst = 10000;               // calls at once after a rest
    std::size_t callers_max = 10'000;   // remembered; the one heard of longest ago is forgotten
    // Of all callers: accounts cost nothing, so one machine may bring many.
    std::size_t total_calls_max = 256;
    std::size_t total_bytes_max = 384 << 20;
};

// Any thread may call. The clock must outlive it, and it must outlive its leases.
class CallerLimits {
  public:
    CallerLimits(Clock& clock, CallerQuota quota = {}) : clock_(clock), quota_(quota) {}

    // A call under way, until it goes.
    class Lease {
      public:
        Lease(CallerLimits& limits, std::string caller, std::size_t bytes)
            : limits_(&limits), caller_(std::move(caller)), bytes_(bytes) {}
        Lease(Lease&& other) noexcept
            : limits_(std::exchange(other.limits_, nullptr)),
              caller_(std::move(other.caller_)),
              bytes_(other.bytes_) {}
        Lease& operator=(Lease&&) = delete;
        ~Lease() {
            if (limits_ != nullptr) limits_->leave(caller_, bytes_);
        }

      private:
        CallerLimits* limits_;
        const std::string caller_;
        const std::size_t bytes_;
    };

    // resource_exhausted, saying what there is too much of and when to come back, when the caller
    // is over its quota or all of them are over theirs. A single call is never over bytes_max.
    Result<Lease> enter(const Caller& caller, std::size_t bytes);

  private:
    struct Account {
        std::size_t calls = 0;
        std::size_t bytes = 0;
        double tokens = 0;  // calls that may be made now
        Duration refilled{0};
        std::list<std::string>::iterator recency;
    };

    void leave(const std::string& caller, std::size_t bytes);
    Account& account_of(const std::string& caller);
    // With mutex_ held.
    Status has_room(const Account& account, std::size_t bytes) const;

    Clock& clock_;
    const CallerQuota quota_;
    std::mutex mutex_;  // guards everything below
    std::size_t calls_ = 0;
    std::size_t bytes_ = 0;
    std::unordered_map<std::string, Account> accounts_;
    std::list<std::string> recent_;  // heard of last comes first
};

}  // namespace mutirao::net
