// Body: for each block a scale (float), then its values, two to a byte, the earlier in the low
// half, each stored as value + 8. The last block may be short; an odd count leaves a zero half.
#include <algorithm>

#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"

namespace mutirao::train {

namespace {

constexpr int kLargest = 7;
constexpr int kBias = 8;
// Blocks below it are all zero: keeps scales out of the subnormal floats.
constexpr float kTiny = 1e-30f;

class Int4 final : public PseudoGradientCodec {
  public:
    Int4(std::uint64_t parameters, std::uint32_t block) : parameters_(parameters), block_(block) {}

    std::size_t encoded_size() const override { return kCodecHeaderSize + body_size(); }

    Result<Bytes> encode(std::span<const float> values) const override {
        ENSURE(values.size() == parameters_);
        TRY_VOID(check_finite(values));
        Writer writer;
        write_codec_header(writer, CodecKind::int4, block_, parameters_);
        for (std::size_t start = 0; start < values.size(); start += block_)
            encode_block(
                values.subspan(start, std::min<std::size_t>(block_, values.size() - start)),
                writer);
        return std::move(writer).take();
    }

    Status decode(ByteSpan bytes, std::span<float> out) const override {
        ENSURE(out.size() == parameters_);
        TRY(auto reader,
            read_codec_header(bytes, CodecKind::int4, block_, parameters_, body_size()));
        for (std::size_t start = 0; start < out.size(); start += block_)
            TRY_VOID(decode_block(
                reader, out.subspan(start, std::min<std::size_t>(block_, out.size() - start))));
        return reader.finish();
    }

  private:
    std::size_t body_size() const {
        const std::uint64_t blocks = (parameters_ + block_ - 1) / block_;
        return blocks * sizeof(float) + (parameters_ + 1) / 2;
    }

    static void encode_block(std::span<const float> values, Writer& writer) {
        float largest = 0;
        for (const float value : values) largest = std::max(largest, std::abs(value));
        const float scale = largest < kTiny ? 0 : largest / kLargest;
        write_float(writer, scale);
        auto stored = [&](std::size_t i) -> std::uint8_t {
            if (i >= values.size()) return 0;
            const long whole = scale == 0 ? 0 : std::lrint(values[i] / scale);
            return static_cast<std::uint8_t>(std::clamp<long>(whole, -kLargest, kLargest) + kBias);
        };
        Bytes packed;
        for (std::size_t i = 0; i < values.size(); i += 2)
            packed.push_back(static_cast<std::uint8_t>(stored(i) | stored(i + 1) << 4));
        writer.raw(packed);
    }

    static Status decode_block(Reader& reader, std::span<float> out) {
        TRY(const auto scale_bits, reader.u<std::uint32_t>());
        const float scale = std::bit_cast<float>(scale_bits);
        if (scale_bits != 0 && !(std::isfinite(scale) && scale >= kTiny / kLargest))
            return codec_broken("a scale is not a positive number");
        TRY(const auto packed, reader.raw((out.size() + 1) / 2));
        if (out.size() % 2 == 1 && packed.back() >> 4 != 0)
            return codec_broken("bits after the last value");
        int largest = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            const int stored = i % 2 == 0 ? packed[i / 2] & 15 : packed[i / 2] >> 4;
            if (stored == 0) return codec_broken("a value is out of range");
            largest = std::max(largest, std::abs(stored - kBias));
            out[i] = static_cast<float>(stored - kBias) * scale;
        }
        // The block's largest value gives the scale, so it is stored as 7.
        if (largest != (scale_bits == 0 ? 0 : kLargest))
            return codec_broken("a scale does not fit its values");
        return {};
    }

    std::uint64_t parameters_;
    std::uint32_t block_;
};

}  // namespace

std::unique_ptr<PseudoGradientCodec> make_int4_codec(std::uint64_t parameters,
                                                     std::uint32_t block) {
    return std::make_unique<Int4>(parameters, block);
}

}  // namespace mutirao::train
