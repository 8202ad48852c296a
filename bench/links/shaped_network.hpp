// Links between peers in virtual time: a rate up and a rate down for each peer, a delay, and
// packets that get lost and are sent again. Nothing waits: the same seed gives the same times.
//
// A peer's uplink serves its messages in turns, packet by packet; a lost packet is noticed after
// one round trip and goes before fresh ones. The downlink serves packets as they arrive. There is
// no slow start and no congestion control: this is what a connection that stays open and fills its
// link gets.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.hpp"

namespace mutirao::bench {

struct LinkShape {
    double up_bits = 0, down_bits = 0;  // a second
    double delay_seconds = 0;           // one way
    double loss = 0;                    // share of packets
};

struct Message {
    std::uint32_t from = 0, to = 0;
    double bytes = 0;
    double ready = 0;  // seconds: when its sender has it
};

class ShapedNetwork {
  public:
    ShapedNetwork(std::uint32_t peers, const LinkShape& shape, std::uint64_t seed);

    // When each message has arrived whole, in seconds. Links are busy with what earlier calls sent.
    std::vector<double> deliver(const std::vector<Message>& messages);

  private:
    struct Packet {
        std::size_t message;
        double bytes, ready;
    };
    struct Arrival {
        std::size_t message;
        double bytes, at;
    };
    void upload(std::uint32_t peer, const std::vector<Message>& messages,
                std::vector<Arrival>& arrivals);

    const LinkShape shape_;
    std::vector<double> up_free_, down_free_;
    SeededRandom random_;
};

// Payloads of `bytes` from each peer to each other one; for each peer, when it has all of them.
std::vector<double> all_gather(ShapedNetwork& network, const std::vector<double>& ready,
                               double bytes);
// A ring all-reduce of `bytes`: 2 (K - 1) steps of bytes / K to the next peer.
std::vector<double> ring_all_reduce(ShapedNetwork& network, std::vector<double> ready,
                                    double bytes);

}  // namespace mutirao::bench
