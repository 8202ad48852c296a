// The bytes of a data channel: how both ends greet one another, and frames. Pure; any thread.
// docs/reference/data-channel.md is the description.
//
//   server: "MUTCHAN1" | nonce (32)
//   client: ticket id (16) | nonce (32) | MAC (32)
//   server: 0 | MAC (32) | features u8, or 1 | an error as in an error frame's payload; padded with
//           zeros to 513
//   then frames, both ways: kind u8 | method size u8 | 0 u16 | payload size u32 | call u64
//                           | method | payload
//
// Numbers are little-endian. A MAC is the keyed BLAKE3 of who sends it and both nonces under the
// ticket's secret: a recorded greeting opens nothing, and a stranger cannot pose as the server.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace mutirao::net {

// What a server hands to a caller over an authenticated connection, so that the caller may open
// channels for a while.
struct ChannelTicket {
    using Id = FixedBytes<struct ChannelTicketTag, 16>;
    Id id;
    Digest secret;
};
using ChannelNonce = Digest;

enum class ChannelEnd : std::uint8_t { client = 'c', server = 's' };
Digest greeting_mac(const ChannelTicket& ticket, ChannelEnd sender, const ChannelNonce& client,
                    const ChannelNonce& server);

inline constexpr std::size_t kOfferSize = 8 + ChannelNonce::kSize;
inline constexpr std::size_t kGreetingSize =
    ChannelTicket::Id::kSize + ChannelNonce::kSize + Digest::kSize;
inline constexpr std::size_t kVerdictSize = 1 + 512;

Bytes encode_offer(const ChannelNonce& nonce);
// corrupt when the other end speaks something else.
Result<ChannelNonce> decode_offer(ByteSpan bytes);

struct ChannelGreeting {
    ChannelTicket::Id ticket;
    ChannelNonce nonce;
    Digest mac;

    Bytes encode() const;
    static ChannelGreeting decode(std::span<const std::uint8_t, kGreetingSize> bytes);
};

// What the server says to a greeting: its own MAC and what it knows beyond the first version, or
// why not.
struct ChannelWelcome {
    Digest mac;
    bool keeps_alive = false;  // knows keep-alive frames; not covered by the MAC
    bool operator==(const ChannelWelcome&) const = default;
};
Bytes encode_verdict(const Result<ChannelWelcome>& welcome);
Result<ChannelWelcome> decode_verdict(std::span<const std::uint8_t, kVerdictSize> bytes);

enum class FrameKind : std::uint8_t { request = 1, answer = 2, error = 3, keep_alive = 4 };

struct FrameHeader {
    FrameKind kind = FrameKind::request;
    std::uint8_t method_size = 0;    // of requests; else zero
    std::uint32_t payload_size = 0;  // bytes; none of keep-alives
    std::uint64_t call = 0;  // chosen by the caller, unique while it is open; 0 of keep-alives

    static constexpr std::size_t kSize = 16;
    void encode(std::span<std::uint8_t, kSize> out) const;
    // corrupt on anything that encode() would not have written.
    static Result<FrameHeader> decode(std::span<const std::uint8_t, kSize> bytes);
};

// The payload of an error frame: the kind's name, a zero, the sentence (cut to 2000 bytes).
Bytes encode_error(const Error& error);
// An `io` error with what can be read, when it is none that encode_error() would have written.
Error decode_error(ByteSpan payload);

}  // namespace mutirao::net
