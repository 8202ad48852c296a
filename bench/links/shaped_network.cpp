#include "links/shaped_network.hpp"

#include <algorithm>
#include <deque>

namespace mutirao::bench {

namespace {

constexpr double kPacket = 1400;  // bytes of payload
constexpr double kHeaders = 60;   // IP, TCP

}  // namespace

ShapedNetwork::ShapedNetwork(std::uint32_t peers, const LinkShape& shape, std::uint64_t seed)
    : shape_(shape), up_free_(peers, 0), down_free_(peers, 0), random_(seed) {}

void ShapedNetwork::upload(std::uint32_t peer, const std::vector<Message>& messages,
                           std::vector<Arrival>& arrivals) {
    struct Sending {
        std::size_t message;
        double left;
    };
    std::deque<Sending> turns;
    for (std::size_t i = 0; i < messages.size(); ++i)
        if (messages[i].from == peer && messages[i].bytes > 0)
            turns.push_back({i, messages[i].bytes});
    std::deque<Packet> again;
    double& free = up_free_[peer];
    while (!turns.empty() || !again.empty()) {
        Packet packet{};
        if (!again.empty() && (again.front().ready <= free || turns.empty())) {
            packet = again.front();
            again.pop_front();
        } else {
            // Whose turn it is among those that are ready; all wait when none is.
            auto next = std::min_element(turns.begin(), turns.end(), [&](auto& a, auto& b) {
                return std::max(messages[a.message].ready, free) <
                       std::max(messages[b.message].ready, free);
            });
            const auto sending = *next;
            turns.erase(next);
            const double bytes = std::min(kPacket, sending.left);
            packet = {sending.message, bytes, messages[sending.message].ready};
            if (sending.left > bytes) turns.push_back({sending.message, sending.left - bytes});
        }
        free = std::max(free, packet.ready) + 8 * (packet.bytes + kHeaders) / shape_.up_bits;
        constexpr std::uint64_t kMillion = 1000000;
        if (static_cast<double>(random_.below(kMillion)) < shape_.loss * kMillion) {
            packet.ready = free + 2 * shape_.delay_seconds;
            again.push_back(packet);
        } else {
            arrivals.push_back({packet.message, packet.bytes, free + shape_.delay_seconds});
        }
    }
}

std::vector<double> ShapedNetwork::deliver(const std::vector<Message>& messages) {
    std::vector<Arrival> arrivals;
    for (std::uint32_t peer = 0; peer < up_free_.size(); ++peer) upload(peer, messages, arrivals);
    std::stable_sort(arrivals.begin(), arrivals.end(),
                     [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
    std::vector<double> done(messages.size(), 0);
    for (const auto& arrival : arrivals) {
        double& free = down_free_[messages[arrival.message].to];
        free = std::max(free, arrival.at) + 8 * (arrival.bytes + kHeaders) / shape_.down_bits;
        done[arrival.message] = free;
    }
    return done;
}

std::vector<double> all_gather(ShapedNetwork& network, const std::vector<double>& ready,
                               double bytes) {
    std::vector<Message> messages;
    const auto peers = static_cast<std::uint32_t>(ready.size());
    for (std::uint32_t from = 0; from < peers; ++from)
        for (std::uint32_t to = 0; to < peers; ++to)
            if (to != from) messages.push_back({from, to, bytes, ready[from]});
    const auto done = network.deliver(messages);
    auto all = ready;
    for (std::size_t i = 0; i < messages.size(); ++i)
        all[messages[i].to] = std::max(all[messages[i].to], done[i]);
    return all;
}

std::vector<double> ring_all_reduce(ShapedNetwork& network, std::vector<double> ready,
                                    double bytes) {
    const auto peers = static_cast<std::uint32_t>(ready.size());
    for (std::uint32_t step = 0; step < 2 * (peers - 1); ++step) {
        std::vector<Message> messages;
        for (std::uint32_t from = 0; from < peers; ++from)
            messages.push_back({from, (from + 1) % peers, bytes / peers, ready[from]});
        const auto done = network.deliver(messages);
        for (const auto& message : messages)
            ready[message.to] =
                std::max(ready[message.to], done[static_cast<std::size_t>(message.from)]);
    }
    return ready;
}

}  // namespace mutirao::bench
