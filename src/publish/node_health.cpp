#include "publish/node_health.hpp"

#include <algorithm>

namespace mutirao::publish {

void NodeHealth::answered(const Address& node) {
    const std::lock_guard lock(mutex_);
    resting_.erase(node);
}

void NodeHealth::failed(const Address& node, const Error& error) {
    const bool corrupt = error.kind == ErrorKind::corrupt;
    const bool silent = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout;
    if (!corrupt && !silent) return answered(node);
    const std::lock_guard lock(mutex_);
    auto& rest = resting_[node];
    rest.length = std::min(std::max(times_.silent, 2 * rest.length), times_.silent_max);
    rest.until = clock_.monotonic() + (corrupt ? times_.corrupt : rest.length);
}

bool NodeHealth::rests(const Address& node) const {
    const std::lock_guard lock(mutex_);
    const auto at = resting_.find(node);
    return at != resting_.end() && clock_.monotonic() < at->second.until;
}

}  // namespace mutirao::publish
