// int4 and int8. Body: the values in blocks (whole_blocks.hpp).
#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"
#include "train/whole_blocks.hpp"

namespace mutirao::train {

namespace {

class Whole final : public PseudoGradientCodec {
  public:
    Whole(std::uint64_t parameters, CodecKind kind, std::uint32_t block)
        : parameters_(parameters), kind_(kind), block_(block) {}

    std::size_t encoded_size() const override { return kCodecHeaderSize + body_size(); }

    Result<Bytes> encode(std::span<const float> values) const override {
        ENSURE(values.size() == parameters_);
        TRY_VOID(check_finite(values));
        Writer writer;
        write_codec_header(writer, kind_, block_, parameters_);
        write_whole_blocks(values, block_, bits(), writer);
        return std::move(writer).take();
    }

    Status decode(ByteSpan bytes, std::span<float> out) const override {
        ENSURE(out.size() == parameters_);
        TRY(auto reader, read_codec_header(bytes, kind_, block_, parameters_, body_size()));
        TRY_VOID(read_whole_blocks(reader, block_, bits(), out));
        return reader.finish();
    }

  private:
    WholeBits bits() const { return kind_ == CodecKind::int4 ? WholeBits::four : WholeBits::eight; }
    std::size_t body_size() const { return whole_blocks_size(parameters_, block_, bits()); }

    std::uint64_t parameters_;
    CodecKind kind_;
    std::uint32_t block_;
};

}  // namespace

std::unique_ptr<PseudoGradientCodec> make_whole_codec(std::uint64_t parameters, CodecKind kind,
                                                      std::uint32_t block) {
    return std::make_unique<Whole>(parameters, kind, block);
}

}  // namespace mutirao::train
