// Servers, gates and raw callers for tests of data channels.
#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/random.hpp"
#include "net/channel_network.hpp"
#include "net/channel_server.hpp"
#include "net/test_gate.hpp"
#include "net/test_socket.hpp"

namespace mutirao::net {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline Bytes bytes_of(std::size_t size, std::uint8_t first) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(first + i * 7);
    return out;
}

inline Result<Bytes> echo(std::string_view method, ByteSpan request) {
    if (method == "/fail") return Error{ErrorKind::not_found, "no such thing: água"};
    if (method == "/throw") throw std::runtime_error("oops");
    return to_bytes(request);
}

struct Peer {
    explicit Peer(Serve serve, ChannelLimits limits = {}, Admit admit = {})
        : random(next_seed()),
          server(ChannelServer::start("127.0.0.1:0", std::move(serve), random, limits,
                                      std::move(admit))
                     .value()) {}
    // Two peers that drew the same would hand out the same tickets.
    static std::uint64_t next_seed() {
        static std::atomic<std::uint64_t> seed = 11;
        return seed++;
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }
    ChannelNetwork::Introduce introduce(Caller caller = {Address{}, ""}) {
        return [this, caller](const std::string&) -> Result<ChannelDoor> {
            ++introductions;
            return ChannelDoor{address(), server->grant(caller)};
        };
    }

    SeededRandom random;
    std::unique_ptr<ChannelServer> server;
    std::atomic<int> introductions = 0;
};

// What the server says to this ticket.
inline Result<ChannelWelcome> greet(TestSocket& socket, const ChannelTicket& ticket) {
    TRY(const auto theirs, decode_offer(as_bytes(socket.read_exactly(kOfferSize))));
    const ChannelNonce mine{};
    const auto mac = greeting_mac(ticket, ChannelEnd::client, mine, theirs);
    socket.send(as_text(ChannelGreeting{ticket.id, mine, mac}.encode()));
    const auto verdict = socket.read_exactly(kVerdictSize);
    if (verdict.size() != kVerdictSize)
        return Error{ErrorKind::unavailable, "the server closed the connection"};
    return decode_verdict(
        std::span<const std::uint8_t, kVerdictSize>(as_bytes(verdict).data(), kVerdictSize));
}

inline std::string frame_of(const FrameHeader& header, std::string_view rest) {
    std::array<std::uint8_t, FrameHeader::kSize> head{};
    header.encode(head);
    return std::string(as_text(head)) + std::string(rest);
}

inline std::string request_of(std::uint64_t call, std::string_view method,
                              std::string_view payload = {}) {
    return frame_of({FrameKind::request, static_cast<std::uint8_t>(method.size()),
                     static_cast<std::uint32_t>(payload.size()), call},
                    std::string(method) + std::string(payload));
}

struct TestFrame {
    FrameHeader header;
    std::string payload;
};
// unavailable when the server closes.
inline Result<TestFrame> read_frame(TestSocket& socket) {
    const auto head = socket.read_exactly(FrameHeader::kSize);
    if (head.size() != FrameHeader::kSize)
        return Error{ErrorKind::unavailable, "the server closed the connection"};
    TestFrame out;
    TRY(out.header, FrameHeader::decode(std::span<const std::uint8_t, FrameHeader::kSize>(
                        as_bytes(head).data(), FrameHeader::kSize)));
    out.payload = socket.read_exactly(out.header.payload_size);
    return out;
}

}  // namespace mutirao::net
