#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"

namespace mutirao::train {

namespace {

class Bf16 final : public PseudoGradientCodec {
  public:
    explicit Bf16(std::uint64_t parameters) : parameters_(parameters) {}

    std::size_t encoded_size() const override { return kCodecHeaderSize + 2 * parameters_; }

    Result<Bytes> encode(std::span<const float> values) const override {
        ENSURE(values.size() == parameters_);
        TRY_VOID(check_finite(values));
        Writer writer;
        write_codec_header(writer, CodecKind::bf16, 0, parameters_);
        for (const float value : values) writer.u(to_bf16(value));
        return std::move(writer).take();
    }

    Status decode(ByteSpan bytes, std::span<float> out) const override {
        ENSURE(out.size() == parameters_);
        TRY(auto reader,
            read_codec_header(bytes, CodecKind::bf16, 0, parameters_, 2 * parameters_));
        for (auto& value : out) {
            TRY(const auto half, reader.u<std::uint16_t>());
            value = from_bf16(half);
            if (!std::isfinite(value)) return codec_broken("a value is not finite");
        }
        return {};
    }

  private:
    std::uint64_t parameters_;
};

}  // namespace

std::unique_ptr<PseudoGradientCodec> make_bf16_codec(std::uint64_t parameters) {
    return std::make_unique<Bf16>(parameters);
}

}  // namespace mutirao::train
