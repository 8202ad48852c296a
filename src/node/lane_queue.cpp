#include "node/lane_queue.hpp"

namespace mutirao::node {

Status LaneQueue::room_for(const Address& from) const {
    const std::lock_guard lock(mutex_);
    const auto line = lines_.find(from);
    if (line == lines_.end() || (line->second.transactions <= kLaneWaitingMax &&
                                 line->second.batches.size() <= kLaneBatchesMax))
        return {};
    return Error{ErrorKind::resource_exhausted,
                 "too many batches wait for a block; send it again in a moment"};
}

void LaneQueue::enter(const Address& from, const lane::BatchStatement& batch, std::uint64_t until,
                      Bytes certificate) {
    const std::lock_guard lock(mutex_);
    auto& line = lines_[from];
    const auto [at, fresh] = line.batches.try_emplace(batch.digest);
    if (fresh) line.transactions += batch.count;
    at->second = {batch.count, until, std::move(certificate)};
}

Bytes LaneQueue::certificate(const Address& from, const lane::BatchStatement& batch) const {
    const std::lock_guard lock(mutex_);
    const auto line = lines_.find(from);
    if (line == lines_.end()) return {};
    const auto at = line->second.batches.find(batch.digest);
    return at == line->second.batches.end() ? Bytes() : at->second.certificate;
}

void LaneQueue::leave(std::span<const lane::BatchStatement> batches, std::uint64_t height) {
    const std::lock_guard lock(mutex_);
    for (auto& [from, line] : lines_) {
        const auto drop = [&line = line](auto at) {
            line.transactions -= at->second.transactions;
            return line.batches.erase(at);
        };
        for (const auto& batch : batches)
            if (const auto at = line.batches.find(batch.digest); at != line.batches.end()) drop(at);
        for (auto at = line.batches.begin(); at != line.batches.end();)
            at = at->second.until <= height ? drop(at) : std::next(at);
    }
    std::erase_if(lines_, [](const auto& line) { return line.second.batches.empty(); });
}

}  // namespace mutirao::node
