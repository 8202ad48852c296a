#include "net/caller_limits.hpp"

#include <algorithm>
#include <cmath>

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

Status CallerLimits::has_room(const Account& account, std::size_t bytes) const {
    const auto refused = [](std::string why) {
        return Error{ErrorKind::resource_exhausted, std::move(why)};
    };
    if (account.calls >= quota_.calls_max)
        return refused("this caller has " + std::to_string(account.calls) +
                       " calls under way here; wait for one to end");
    if (account.calls > 0 && account.bytes + bytes > quota_.bytes_max)
        return refused("this caller has " + std::to_string(account.bytes) +
                       " bytes of requests under way here; wait for one to end");
    if (calls_ >= quota_.total_calls_max || (calls_ > 0 && bytes_ + bytes > quota_.total_bytes_max))
        return refused("the server is busy with " + std::to_string(calls_) + " calls of " +
                       std::to_string(bytes_) + " bytes; try again in a second");
    if (account.tokens >= 1) return {};
    const auto wait_ms = std::ceil((1 - account.tokens) / quota_.calls_a_second * 1000);
    return refused("this caller asks too often; try again in " +
                   std::to_string(static_cast<std::uint64_t>(wait_ms)) + " ms");
}

Result<CallerLimits::Lease> CallerLimits::enter(const Caller& caller, std::size_t bytes) {
    const auto name = caller.name();
    const std::lock_guard lock(mutex_);
    auto& account = account_of(name);
    const auto now = clock_.monotonic();
    const double passed = std::chrono::duration<double>(now - account.refilled).count();
    account.tokens = std::min(quota_.burst, account.tokens + passed * quota_.calls_a_second);
    account.refilled = now;
    TRY_VOID(has_room(account, bytes));
    account.tokens -= 1;
    ++account.calls;
    account.bytes += bytes;
    ++calls_;
    bytes_ += bytes;
    return Lease(*this, name, bytes);
}

void CallerLimits::leave(const std::string& caller, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto& account = accounts_.at(caller);
    --account.calls;
    account.bytes -= bytes;
    --calls_;
    bytes_ -= bytes;
}

}  // namespace mutirao::net
