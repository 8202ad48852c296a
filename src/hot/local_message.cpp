#include "hot/local_message.hpp"

#include "base/codec.hpp"

namespace mutirao::hot {
namespace {

constexpr std::uint8_t kGood = 255;
constexpr std::size_t kSentenceMax = 2000;
constexpr std::size_t kBodyMax = 1 << 12;

}  // namespace

Bytes LocalRequest::encode() const {
    Writer out;
    out.u(static_cast<std::uint8_t>(verb));
    if (verb == LocalVerb::open) out.blob(credential);
    if (verb >= LocalVerb::map) out.u(read);
    if (verb == LocalVerb::map || verb == LocalVerb::release) out.u(index);
    return std::move(out).take();
}

Result<LocalRequest> LocalRequest::decode(ByteSpan bytes) {
    Reader in(bytes);
    LocalRequest out;
    TRY(const auto verb, in.u<std::uint8_t>());
    if (verb < 1 || verb > static_cast<std::uint8_t>(LocalVerb::close))
        return Error{ErrorKind::corrupt, "a local request begins with no verb"};
    out.verb = static_cast<LocalVerb>(verb);
    if (out.verb == LocalVerb::open) {
        TRY(const auto credential, in.blob(kCredentialMax));
        out.credential = to_bytes(credential);
    }
    if (out.verb >= LocalVerb::map) {
        TRY(out.read, in.u<std::uint64_t>());
    }
    if (out.verb == LocalVerb::map || out.verb == LocalVerb::release) {
        TRY(out.index, in.u<std::uint32_t>());
    }
    TRY_VOID(in.finish());
    return out;
}

Bytes LocalHello::encode() const { return to_bytes(box_key.span()); }

Result<LocalHello> LocalHello::decode(ByteSpan bytes) {
    Reader in(bytes);
    LocalHello out;
    TRY(out.box_key, (in.fixed<FixedBytes<LocalBoxTag, 32>>()));
    TRY_VOID(in.finish());
    return out;
}

Bytes LocalOpened::encode() const {
    Writer out;
    out.u(read).u(shards).u(size).u(shard_size).u(life_ms);
    return std::move(out).take();
}

Result<LocalOpened> LocalOpened::decode(ByteSpan bytes) {
    Reader in(bytes);
    LocalOpened out;
    TRY(out.read, in.u<std::uint64_t>());
    TRY(out.shards, in.u<std::uint32_t>());
    TRY(out.size, in.u<std::uint64_t>());
    TRY(out.shard_size, in.u<std::uint64_t>());
    TRY(out.life_ms, in.u<std::uint64_t>());
    TRY_VOID(in.finish());
    return out;
}

Bytes encode_answer(const Result<Bytes>& body) {
    Writer out;
    if (body.ok()) {
        out.u(kGood).blob(*body);
    } else {
        out.u(static_cast<std::uint8_t>(body.error().kind));
        out.text(std::string_view(body.error().message).substr(0, kSentenceMax));
    }
    return std::move(out).take();
}

Result<Bytes> decode_answer(ByteSpan bytes) {
    Reader in(bytes);
    TRY(const auto kind, in.u<std::uint8_t>());
    if (kind == kGood) {
        TRY(const auto body, in.blob(kBodyMax));
        TRY_VOID(in.finish());
        return to_bytes(body);
    }
    TRY(auto sentence, in.text(kSentenceMax));
    TRY_VOID(in.finish());
    if (kind > static_cast<std::uint8_t>(ErrorKind::io))
        return Error{ErrorKind::corrupt, "the node answered with an error of no known kind"};
    return Error{static_cast<ErrorKind>(kind), std::move(sentence)};
}

}  // namespace mutirao::hot
