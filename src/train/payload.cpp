#include "train/payload.hpp"

#include <bit>
#include <cmath>

#include "train/sampler.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint16_t kVersion = 3;

Error broken(const char* reason) {
    return {ErrorKind::corrupt, std::string("training payload: ") + reason};
}

}  // namespace

Bytes encode_payload(const Payload& payload) {
    Writer writer;
    writer.u(kVersion).raw(payload.run.span()).u(payload.round).u(payload.worker);
    writer.u(payload.tokens).u(std::bit_cast<std::uint64_t>(payload.loss));
    writer.raw(payload.base.span()).blob(payload.delta);
    writer.raw(payload.before.span()).u(static_cast<std::uint32_t>(payload.credits.size()));
    for (const auto credit : payload.credits) writer.u(static_cast<std::uint64_t>(credit));
    return std::move(writer).take();
}

Result<Payload> decode_payload(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kVersion) return broken("its version is not 3");
    Payload payload;
    TRY(payload.run, reader.fixed<RunId>());
    TRY(payload.round, reader.u<std::uint32_t>());
    TRY(payload.worker, reader.u<std::uint32_t>());
    TRY(payload.tokens, reader.u<std::uint64_t>());
    TRY(const auto loss_bits, reader.u<std::uint64_t>());
    payload.loss = std::bit_cast<double>(loss_bits);
    TRY(payload.base, reader.fixed<Digest>());
    TRY(const auto delta, reader.blob(kPayloadBytesMax));
    TRY(payload.before, reader.fixed<Digest>());
    TRY(const auto owners, reader.u<std::uint32_t>());
    if (owners > kOwnersMax || reader.remaining() != owners * sizeof(std::uint64_t))
        return broken("its size does not fit its credits");
    for (std::uint32_t i = 0; i < owners; ++i) {
        TRY(const auto credit, reader.u<std::uint64_t>());
        payload.credits.push_back(static_cast<std::int64_t>(credit));
    }
    if (payload.round >= kRoundsMax) return broken("its round is beyond the limit");
    if (payload.worker >= kWorkersMax) return broken("its worker is beyond the limit");
    if (!std::isfinite(payload.loss)) return broken("its loss is not finite");
    payload.delta = to_bytes(delta);
    return payload;
}

}  // namespace mutirao::train
