// Body: for each block two levels low <= high (bf16), then for each value a sign bit (1 = negative)
// and a level bit (1 = high), from each byte's lowest bits up. The last block may be short; the
// rest of its last byte is zero.
//
// The magnitudes' border is 1.23 times their mean, which for bell-shaped values is where the best
// quantizer of four symmetric levels has it (Max 1960: 0.98 standard deviations); each level is the
// mean of its magnitudes.
#include <algorithm>

#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"

namespace mutirao::train {

namespace {

constexpr double kBorder = 1.23;
constexpr std::size_t kValuesAByte = 4;

class Dense2 final : public PseudoGradientCodec {
  public:
    Dense2(std::uint64_t parameters, std::uint32_t block)
        : parameters_(parameters), block_(block) {}

    std::size_t encoded_size() const override { return kCodecHeaderSize + body_size(); }

    Result<Bytes> encode(std::span<const float> values) const override {
        ENSURE(values.size() == parameters_);
        TRY_VOID(check_finite(values));
        Writer writer;
        write_codec_header(writer, CodecKind::dense2, block_, parameters_);
        for (std::size_t start = 0; start < values.size(); start += block_)
            encode_block(
                values.subspan(start, std::min<std::size_t>(block_, values.size() - start)),
                writer);
        return std::move(writer).take();
    }

    Status decode(ByteSpan bytes, std::span<float> out) const override {
        ENSURE(out.size() == parameters_);
        TRY(auto reader,
            read_codec_header(bytes, CodecKind::dense2, block_, parameters_, body_size()));
        for (std::size_t start = 0; start < out.size(); start += block_)
            TRY_VOID(decode_block(
                reader, out.subspan(start, std::min<std::size_t>(block_, out.size() - start))));
        return reader.finish();
    }

  private:
    static std::size_t packed_size(std::size_t values) {
        return (values + kValuesAByte - 1) / kValuesAByte;
    }
    std::size_t body_size() const {
        return (parameters_ + block_ - 1) / block_ * 2 * sizeof(std::uint16_t) +
               packed_size(parameters_);
    }

    // Sums in index order, in double: one result everywhere.
    static void encode_block(std::span<const float> values, Writer& writer) {
        double total = 0;
        for (const float value : values) total += static_cast<double>(std::abs(value));
        // Never are all above 1.23 times their own mean.
        TwoLevels levels(kBorder * total / static_cast<double>(values.size()));
        for (const float value : values) levels.add(value);
        write_magnitudes(writer, levels.means());
        Bytes packed(packed_size(values.size()));
        for (std::size_t i = 0; i < values.size(); ++i)
            packed[i / kValuesAByte] |=
                static_cast<std::uint8_t>(levels.bits(values[i]) << i % kValuesAByte * 2);
        writer.raw(packed);
    }

    static Status decode_block(Reader& reader, std::span<float> out) {
        TRY(const auto magnitudes, read_magnitudes(reader));
        TRY(const auto packed, reader.raw(packed_size(out.size())));
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] =
                TwoLevels::value(packed[i / kValuesAByte] >> i % kValuesAByte * 2 & 3u, magnitudes);
        if (const auto last = out.size() % kValuesAByte;
            last != 0 && packed.back() >> last * 2 != 0)
            return codec_broken("bits after the last value");
        return {};
    }

    std::uint64_t parameters_;
    std::uint32_t block_;
};

}  // namespace

std::unique_ptr<PseudoGradientCodec> make_dense2_codec(std::uint64_t parameters,
                                                       std::uint32_t block) {
    return std::make_unique<Dense2>(parameters, block);
}

}  // namespace mutirao::train
