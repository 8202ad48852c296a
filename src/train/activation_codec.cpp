#include "train/activation_codec.hpp"

#include "train/codec_frame.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint32_t kBlock = 64;

Result<std::unique_ptr<PseudoGradientCodec>> lossy(ActivationCodec codec, std::size_t values) {
    return make_codec({.kind = codec == ActivationCodec::int8 ? CodecKind::int8 : CodecKind::bf16,
                       .block = kBlock},
                      values);
}

Status check_count(std::size_t values) {
    if (values >= 1 && values <= kActivationsMax) return {};
    return Error{ErrorKind::invalid_argument, std::to_string(values) +
                                                  " activations of a micro-batch, not 1 to " +
                                                  std::to_string(kActivationsMax)};
}

}  // namespace

std::string_view to_string(ActivationCodec codec) {
    switch (codec) {
        case ActivationCodec::float32: return "float32";
        case ActivationCodec::bf16: return "bf16";
        case ActivationCodec::int8: return "int8";
    }
    return "unknown";
}

Result<Bytes> encode_activations(ActivationCodec codec, std::span<const float> values) {
    TRY_VOID(check_count(values.size()));
    if (codec != ActivationCodec::float32) {
        TRY(const auto encoder, lossy(codec, values.size()));
        return encoder->encode(values);
    }
    TRY_VOID(check_finite(values));
    Writer writer;
    for (const float value : values) write_float(writer, value);
    return std::move(writer).take();
}

Status decode_activations(ActivationCodec codec, ByteSpan bytes, std::span<float> out) {
    TRY_VOID(check_count(out.size()));
    if (codec != ActivationCodec::float32) {
        TRY(const auto decoder, lossy(codec, out.size()));
        return decoder->decode(bytes, out);
    }
    if (bytes.size() != out.size() * sizeof(float))
        return Error{ErrorKind::corrupt, "activations are of another number of values"};
    Reader reader(bytes);
    for (auto& value : out) {
        TRY(const auto bits, reader.u<std::uint32_t>());
        value = std::bit_cast<float>(bits);
    }
    return check_finite(out);
}

}  // namespace mutirao::train
