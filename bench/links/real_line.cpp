#include "links/real_line.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <queue>
#include <sys/eventfd.h>
#include <unistd.h>

namespace mutirao::bench {

namespace {

constexpr std::size_t kIpHeader = 20;
constexpr std::uint64_t kMillion = 1'000'000;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

struct Packet {
    double at = 0;            // when it reaches the downlink, or has passed it
    std::uint64_t order = 0;  // of equal times
    std::uint32_t to = 0;
    bool through = false;  // past the downlink
    std::vector<std::uint8_t> bytes;

    bool operator<(const Packet& other) const {  // for a queue whose top is the earliest
        return at != other.at ? at > other.at : order > other.order;
    }
};

}  // namespace

// What the thread works with; nobody else does.
struct RealLine::Carrier {
    RealLine& line;
    SeededRandom random;
    LinkShape shape;
    std::vector<double> up_free, down_free;
    std::priority_queue<Packet> waiting;
    std::uint64_t order = 0;

    Carrier(RealLine& owner, std::uint64_t seed)
        : line(owner),
          random(seed),
          up_free(owner.ends_.size(), 0),
          down_free(owner.ends_.size(), 0) {}

    // When `bytes` will have passed a link that is free at `free`, or nothing when too many wait.
    static bool pass(double& free, double at, std::size_t bytes, double bits) {
        const double took = 8 * static_cast<double>(bytes) / bits;
        const double queue = std::max(kQueueSeconds, kQueuePackets * 8 * kMtu / bits);
        if (free - at > queue) return false;
        free = std::max(free, at) + took;
        return true;
    }

    void count(std::uint64_t Counts::*what, std::uint64_t more = 1) {
        const std::lock_guard lock(line.mutex_);
        line.counts_.*what += more;
    }

    void take(std::uint32_t from, std::vector<std::uint8_t> bytes, double at) {
        if (bytes.size() < kIpHeader || bytes[0] >> 4 != 4) return;  // IPv6 looks for neighbours
        const std::uint32_t to = bytes[19] - 1u;
        if (to >= line.ends_.size()) return;
        if (!pass(up_free[from], at, bytes.size(), shape.up_bits)) return count(&Counts::dropped);
        if (static_cast<double>(random.below(kMillion)) < shape.loss * kMillion)
            return count(&Counts::lost);
        waiting.push({up_free[from] + shape.delay_seconds, order++, to, false, std::move(bytes)});
    }

    void read_all(std::uint32_t from) {
        std::uint8_t buffer[kMtu + 64];
        for (;;) {
            const auto got = ::read(line.ends_[from].device(), buffer, sizeof buffer);
            if (got <= 0) return;
            take(from, {buffer, buffer + got}, now());
        }
    }

    // Moves on everything whose time has come.
    void serve() {
        const double at = now();
        while (!waiting.empty() && waiting.top().at <= at) {
            Packet packet = waiting.top();
            waiting.pop();
            if (packet.through) {
                count(&Counts::carried);
                count(&Counts::bytes, packet.bytes.size());
                // A receiver that has gone is like one that does not listen.
                (void)!::write(line.ends_[packet.to].device(), packet.bytes.data(),
                               packet.bytes.size());
                continue;
            }
            double& free = down_free[packet.to];
            if (!pass(free, packet.at, packet.bytes.size(), shape.down_bits)) {
                count(&Counts::dropped);
                continue;
            }
            packet.through = true;
            packet.at = free;
            waiting.push(std::move(packet));
        }
    }

    void run() {
        std::vector<pollfd> watched;
        for (const auto& end : line.ends_) watched.push_back({end.device(), POLLIN, 0});
        watched.push_back({line.wake_.get(), POLLIN, 0});
        while (!line.stopping_) {
            const double wait =
                waiting.empty() ? 1 : std::clamp(waiting.top().at - now(), 0.0, 1.0);
            const timespec limit{
                static_cast<time_t>(wait),
                static_cast<long>((wait - static_cast<double>(static_cast<time_t>(wait))) * 1e9)};
            if (::ppoll(watched.data(), watched.size(), &limit, nullptr) < 0 && errno != EINTR)
                return;
            {
                const std::lock_guard lock(line.mutex_);
                shape = line.shape_;
            }
            for (std::uint32_t i = 0; i < line.ends_.size(); ++i)
                if ((watched[i].revents & POLLIN) != 0) read_all(i);
            serve();
        }
    }
};

RealLine::RealLine(std::vector<NetSpace> ends, OwnedFd wake, const LinkShape& shape)
    : ends_(std::move(ends)), wake_(std::move(wake)), shape_(shape) {}

Result<std::unique_ptr<RealLine>> RealLine::start(std::uint32_t ends, const LinkShape& shape,
                                                  std::uint64_t seed) {
    std::vector<NetSpace> spaces;
    for (std::uint32_t i = 0; i < ends; ++i) {
        TRY(auto space, NetSpace::make(i));
        spaces.push_back(std::move(space));
    }
    OwnedFd wake(::eventfd(0, EFD_CLOEXEC));
    if (wake.get() < 0) return Error{ErrorKind::unavailable, "a shaped line needs an eventfd"};
    std::unique_ptr<RealLine> line(new RealLine(std::move(spaces), std::move(wake), shape));
    line->thread_ = std::thread([&line = *line, seed] { Carrier(line, seed).run(); });
    return line;
}

RealLine::~RealLine() {
    stopping_ = true;
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
    if (thread_.joinable()) thread_.join();
}

void RealLine::set_shape(const LinkShape& shape) {
    const std::lock_guard lock(mutex_);
    shape_ = shape;
}

RealLine::Counts RealLine::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

}  // namespace mutirao::bench
