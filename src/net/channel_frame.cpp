#include "net/channel_frame.hpp"

#include <algorithm>
#include <optional>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::net {
namespace {

constexpr std::string_view kMagic = "MUTCHAN1";
constexpr std::size_t kSentenceMax = 2000;  // bytes
constexpr std::uint8_t kKeepsAlive = 1;     // of a verdict's features

std::optional<ErrorKind> kind_named(std::string_view name) {
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::io); ++kind)
        if (to_string(static_cast<ErrorKind>(kind)) == name) return static_cast<ErrorKind>(kind);
    return std::nullopt;
}

// At most `max` bytes, without half a character at the end.
std::string_view cut(std::string_view text, std::size_t max) {
    if (text.size() <= max) return text;
    while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xc0) == 0x80) --max;
    return text.substr(0, max);
}

}  // namespace

Digest greeting_mac(const ChannelTicket& ticket, ChannelEnd sender, const ChannelNonce& client,
                    const ChannelNonce& server) {
    Writer out;
    out.raw(as_bytes("mutirao v1 channel")).u(static_cast<std::uint8_t>(sender));
    out.raw(client.span()).raw(server.span());
    return crypto::blake3_keyed(crypto::Key{ticket.secret.bytes}, out.bytes());
}

Bytes encode_offer(const ChannelNonce& nonce) {
    Writer out;
    out.raw(as_bytes(kMagic)).raw(nonce.span());
    return std::move(out).take();
}

Result<ChannelNonce> decode_offer(ByteSpan bytes) {
    if (bytes.size() != kOfferSize || !as_text(bytes).starts_with(kMagic))
        return Error{ErrorKind::corrupt, "the other end does not speak the data channel"};
    return ChannelNonce::from_bytes(bytes.subspan(kMagic.size()));
}

Bytes ChannelGreeting::encode() const {
    Writer out;
    out.raw(ticket.span()).raw(nonce.span()).raw(mac.span());
    return std::move(out).take();
}

ChannelGreeting ChannelGreeting::decode(std::span<const std::uint8_t, kGreetingSize> bytes) {
    Reader in(bytes);
    ChannelGreeting out;
    out.ticket = in.fixed<ChannelTicket::Id>().value();
    out.nonce = in.fixed<ChannelNonce>().value();
    out.mac = in.fixed<Digest>().value();
    return out;
}

Bytes encode_verdict(const Result<ChannelWelcome>& welcome) {
    Writer out;
    out.u(std::uint8_t{!welcome.ok()});
    if (welcome.ok()) {
        out.raw(welcome->mac.span()).u(welcome->keeps_alive ? kKeepsAlive : std::uint8_t{0});
    } else {
        const auto& why = welcome.error();
        out.raw(encode_error({why.kind, std::string(cut(why.message, 400))}));
    }
    auto bytes = std::move(out).take();
    bytes.resize(kVerdictSize);
    return bytes;
}

Result<ChannelWelcome> decode_verdict(std::span<const std::uint8_t, kVerdictSize> bytes) {
    if (bytes[0] == 0) {
        TRY(const auto mac, Digest::from_bytes(bytes.subspan(1, Digest::kSize)));
        return ChannelWelcome{mac, (bytes[1 + Digest::kSize] & kKeepsAlive) != 0};
    }
    ByteSpan text = bytes.subspan(1);
    while (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
    return decode_error(text);
}

void FrameHeader::encode(std::span<std::uint8_t, kSize> out) const {
    Writer writer;
    writer.u(static_cast<std::uint8_t>(kind)).u(method_size).u(std::uint16_t{0});
    writer.u(payload_size).u(call);
    std::copy(writer.bytes().begin(), writer.bytes().end(), out.begin());
}

Result<FrameHeader> FrameHeader::decode(std::span<const std::uint8_t, kSize> bytes) {
    Reader in(bytes);
    FrameHeader out;
    const auto kind = in.u<std::uint8_t>().value();
    out.kind = static_cast<FrameKind>(kind);
    out.method_size = in.u<std::uint8_t>().value();
    const auto zero = in.u<std::uint16_t>().value();
    out.payload_size = in.u<std::uint32_t>().value();
    out.call = in.u<std::uint64_t>().value();
    const bool known = kind >= 1 && kind <= 4;
    const bool bare = out.kind == FrameKind::keep_alive;
    if (!known || (bare && (out.payload_size != 0 || out.call != 0)) || zero != 0 ||
        (out.kind == FrameKind::request) != (out.method_size != 0))
        return Error{ErrorKind::corrupt, "the other end sent what is no frame"};
    return out;
}

Bytes encode_error(const Error& error) {
    Writer out;
    out.raw(as_bytes(to_string(error.kind))).u(std::uint8_t{0});
    out.raw(as_bytes(cut(error.message, kSentenceMax)));
    return std::move(out).take();
}

Error decode_error(ByteSpan payload) {
    const auto text = as_text(payload);
    const auto zero = text.find('\0');
    const auto kind = zero == text.npos ? std::nullopt : kind_named(text.substr(0, zero));
    if (!kind) return {ErrorKind::io, "the other end failed without saying how"};
    return {*kind, std::string(cut(text.substr(zero + 1), kSentenceMax))};
}

}  // namespace mutirao::net
