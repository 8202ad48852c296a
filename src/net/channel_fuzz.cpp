#include "base/ensure.hpp"
#include "net/channel_frame.hpp"

// Whatever the bytes, decoding ends; what decodes as a frame header is what encode() writes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    using namespace mutirao::net;
    const ByteSpan bytes(data, size);
    static_cast<void>(decode_offer(bytes).ok());
    const auto error = decode_error(bytes);
    ENSURE(decode_error(encode_error(error)) == error);
    if (size >= FrameHeader::kSize) {
        const auto head = bytes.first<FrameHeader::kSize>();
        if (const auto header = FrameHeader::decode(head); header.ok()) {
            std::array<std::uint8_t, FrameHeader::kSize> again{};
            header->encode(again);
            ENSURE(std::equal(again.begin(), again.end(), head.begin()));
        }
    }
    if (size >= kGreetingSize) {
        const auto greeting = ChannelGreeting::decode(bytes.first<kGreetingSize>());
        ENSURE(to_bytes(bytes.first(kGreetingSize)) == greeting.encode());
    }
    if (size >= kVerdictSize) {
        const auto verdict = decode_verdict(bytes.first<kVerdictSize>());
        const auto again = encode_verdict(verdict);
        const auto twice =
            decode_verdict(std::span<const std::uint8_t, kVerdictSize>(again.data(), kVerdictSize));
        ENSURE(verdict.ok() ? *twice == *verdict : twice.error().kind == verdict.error().kind);
    }
    return 0;
}
