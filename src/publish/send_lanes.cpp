#include "publish/send_lanes.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>

namespace mutirao::publish {
namespace {

struct Waiting {
    std::uint64_t group = 0;
    SharePart part;
    StorageCalls::Stored done;
};

struct Lane {
    std::deque<Waiting> waiting;
    std::size_t bytes_sent = 0;  // and not answered
};

Error taken_back() {
    return {ErrorKind::unavailable, "the sender stopped before this part was sent"};
}

}  // namespace

std::size_t SharePart::size() const {
    std::size_t total = statement.size();
    for (const auto& slot : slots)
        for (const auto& row : slot.rows) total += row.size();
    return total;
}

struct SendLanes::State : std::enable_shared_from_this<State> {
    State(StorageCalls& nodes_at, NodeHealth& health_at, LaneLimits with)
        : nodes(nodes_at), health(health_at), limits(with) {}

    // Sends what the lane's window has room for.
    void pump(const Address& node);
    // The next part that may be sent; counts it as sent.
    std::optional<Waiting> take(const Address& node);
    void answered(const Address& node, std::size_t size,
                  const Result<std::optional<crypto::BlsSignature>>& answer);

    StorageCalls& nodes;
    NodeHealth& health;
    const LaneLimits limits;
    std::mutex mutex;  // guards everything below
    std::condition_variable left;
    std::unordered_map<Address, Lane> lanes;
    std::size_t pumping = 0;  // threads that may be using `nodes`
    bool closed = false;
};

std::optional<Waiting> SendLanes::State::take(const Address& node) {
    const std::lock_guard lock(mutex);
    auto& lane = lanes[node];
    if (closed || lane.waiting.empty()) return std::nullopt;
    const auto size = lane.waiting.front().part.size();
    if (lane.bytes_sent > 0 && lane.bytes_sent + size > limits.window_bytes) return std::nullopt;
    lane.bytes_sent += size;
    auto next = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    ++pumping;
    return next;
}

void SendLanes::State::answered(const Address& node, std::size_t size,
                                const Result<std::optional<crypto::BlsSignature>>& answer) {
    const std::lock_guard lock(mutex);
    lanes[node].bytes_sent -= size;
    if (closed) return;
    if (answer.ok())
        health.answered(node);
    else
        health.failed(node, answer.error());
}

void SendLanes::State::pump(const Address& node) {
    while (auto next = take(node)) {
        const auto size = next->part.size();
        nodes.put(
            node, std::move(next->part),
            [self = shared_from_this(), node, size, done = std::move(next->done)](auto answer) {
                self->answered(node, size, answer);
                done(std::move(answer));
                self->pump(node);
            });
        const std::lock_guard lock(mutex);
        --pumping;
        left.notify_all();
    }
}

SendLanes::SendLanes(StorageCalls& nodes, NodeHealth& health, LaneLimits limits)
    : state_(std::make_shared<State>(nodes, health, limits)) {}

void SendLanes::close() {
    std::vector<Waiting> unsent;
    {
        std::unique_lock lock(state_->mutex);
        state_->closed = true;
        state_->left.wait(lock, [this] { return state_->pumping == 0; });
        for (auto& [node, lane] : state_->lanes)
            for (auto& waiting : lane.waiting) unsent.push_back(std::move(waiting));
        state_->lanes.clear();
    }
    for (auto& waiting : unsent) waiting.done(taken_back());
}

void SendLanes::send(const Address& node, std::uint64_t group, SharePart part, bool insist,
                     StorageCalls::Stored done) {
    bool closed = false;
    {
        const std::lock_guard lock(state_->mutex);
        auto& lane = state_->lanes[node];
        closed = state_->closed;
        if (!closed && (insist || !state_->health.rests(node))) {
            // Blocks that were begun earlier go first: so they end one after another, and the next
            // is coded while others are sent.
            const auto later = std::find_if(lane.waiting.begin(), lane.waiting.end(),
                                            [&](const auto& each) { return each.group > group; });
            lane.waiting.insert(later, {group, std::move(part), std::move(done)});
            done = nullptr;
        }
    }
    if (done && closed) return done(taken_back());
    if (done)
        return done(Error{ErrorKind::unavailable,
                          "the node did not answer a moment ago and is left alone for now"});
    state_->pump(node);
}

void SendLanes::drop(std::uint64_t group) {
    std::vector<Waiting> dropped;
    {
        const std::lock_guard lock(state_->mutex);
        for (auto& [node, lane] : state_->lanes) {
            const auto first =
                std::stable_partition(lane.waiting.begin(), lane.waiting.end(),
                                      [&](const auto& each) { return each.group != group; });
            std::move(first, lane.waiting.end(), std::back_inserter(dropped));
            lane.waiting.erase(first, lane.waiting.end());
        }
    }
    for (auto& waiting : dropped) waiting.done(taken_back());
}

}  // namespace mutirao::publish
