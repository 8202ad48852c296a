#include "net/caller_limits.hpp"

#include <algorithm>

namespace mutirao::net {

CallerLimits::Account& CallerLimits::account_of(const std::string& caller) {
    if (const auto at = accounts_.find(caller); at != accounts_.end()) {
        recent_.splice(recent_.begin(), recent_, at->second.recency);
        return at->second;
    }
    // Who has calls under way is kept, so there may be more than callers_max for a while.
    for (auto at = recent_.end();
         accounts_.size() >= quota_.callers_max && at != recent_.begin();) {
        --at;
        if (accounts_.at(*at).calls > 0) continue;
        accounts_.erase(*at);
        at = recent_.erase(at);
    }
    recent_.push_front(caller);
    auto& account = accounts_[caller];
    account.tokens = quota_.burst;
    account.refilled = clock_.monotonic();
    account.recency = recent_.begin();
    return account;
}

Result<CallerLimits::Lease> CallerLimits::enter(const Caller& caller, std::size_t bytes) {
    const auto name = caller.name();
    const std::lock_guard lock(mutex_);
    auto& account = account_of(name);
    const auto now = clock_.monotonic();
    const double passed = std::chrono::duration<double>(now - account.refilled).count();
    account.tokens = std::min(quota_.burst, account.tokens + passed * quota_.calls_a_second);
    account.refilled = now;
    if (account.calls >= quota_.calls_max)
        return Error{ErrorKind::resource_exhausted,
                     "this caller has " + std::to_string(account.calls) +
                         " calls under way here; wait for one to end"};
    if (account.calls > 0 && account.bytes + bytes > quota_.bytes_max)
        return Error{ErrorKind::resource_exhausted,
                     "this caller has " + std::to_string(account.bytes) +
                         " bytes of requests under way here; wait for one to end"};
    if (account.tokens < 1)
        return Error{ErrorKind::resource_exhausted,
                     "this caller asks too often; try again in a second"};
    account.tokens -= 1;
    ++account.calls;
    account.bytes += bytes;
    return Lease(*this, name, bytes);
}

void CallerLimits::leave(const std::string& caller, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto& account = accounts_.at(caller);
    --account.calls;
    account.bytes -= bytes;
}

}  // namespace mutirao::net
