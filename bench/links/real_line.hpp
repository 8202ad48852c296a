// Real links between processes of this machine: each end is a network namespace (net_space.hpp),
// and one thread carries IP packets between their TUN devices as a line would. A packet waits its
// turn on its sender's uplink, may be lost, travels for the delay, and waits its turn on its
// receiver's downlink: the model of ShapedNetwork, in real time and under the kernel's own TCP. The
// kernel's netem does the same; many kernels come without it.
//
// What finds kQueueSeconds (or kQueuePackets, where that is more) waiting is dropped, as home
// routers do. One thread carries some 20,000 packets a second; shape to at most 200 Mbit/s.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "links/net_space.hpp"
#include "links/shaped_network.hpp"

namespace mutirao::bench {

inline constexpr double kQueueSeconds = 0.25;
inline constexpr double kQueuePackets = 64;

class RealLine {
  public:
    struct Counts {
        std::uint64_t carried = 0, lost = 0, dropped = 0;  // packets
        std::uint64_t bytes = 0;                           // of IP packets carried
    };

    // All ends have the same shape. permission_denied: NetSpace::make says what is missing.
    static Result<std::unique_ptr<RealLine>> start(std::uint32_t ends, const LinkShape& shape,
                                                   std::uint64_t seed);
    ~RealLine();
    RealLine(const RealLine&) = delete;
    RealLine& operator=(const RealLine&) = delete;

    const NetSpace& end(std::uint32_t index) const { return ends_[index]; }
    // From the next packet on. Any thread.
    void set_shape(const LinkShape& shape);
    // Any thread.
    Counts counts() const;

  private:
    struct Carrier;

    RealLine(std::vector<NetSpace> ends, OwnedFd wake, const LinkShape& shape);

    const std::vector<NetSpace> ends_;
    const OwnedFd wake_;
    mutable std::mutex mutex_;  // guards shape_ and counts_
    LinkShape shape_;
    Counts counts_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace mutirao::bench
