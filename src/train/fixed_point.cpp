#include "train/fixed_point.hpp"

#include <algorithm>
#include <cmath>

#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"

namespace mutirao::train {

namespace {

constexpr float kScale = static_cast<float>(1 << kFixedFractionBits);

class Fixed32 final : public PseudoGradientCodec {
  public:
    explicit Fixed32(std::uint64_t parameters) : parameters_(parameters) {}

    std::size_t encoded_size() const override {
        return kCodecHeaderSize + parameters_ * sizeof(std::uint32_t);
    }

    Result<Bytes> encode(std::span<const float> values) const override {
        ENSURE(values.size() == parameters_);
        TRY_VOID(check_finite(values));
        std::vector<std::uint32_t> words;
        words.reserve(values.size());
        // A power of two times a float is exact; the rounding, to even, is the only one.
        for (const float value : values)
            words.push_back(static_cast<std::uint32_t>(static_cast<std::int32_t>(
                std::nearbyint(std::clamp(value, -kFixedMax, kFixedMax) * kScale))));
        return fixed_delta(words);
    }

    Status decode(ByteSpan bytes, std::span<float> out) const override {
        ENSURE(out.size() == parameters_);
        TRY(const auto words, fixed_words(bytes, parameters_));
        for (const auto word : words)
            if (std::abs(static_cast<double>(static_cast<std::int32_t>(word))) >
                static_cast<double>(kFixedMax * kScale))
                return codec_broken("a value is beyond what its codec writes");
        fixed_mean(words, 1, out);
        return {};
    }

  private:
    std::uint64_t parameters_;
};

}  // namespace

std::unique_ptr<PseudoGradientCodec> make_fixed32_codec(std::uint64_t parameters) {
    return std::make_unique<Fixed32>(parameters);
}

Result<std::vector<std::uint32_t>> fixed_words(ByteSpan delta, std::uint64_t values) {
    TRY(auto reader,
        read_codec_header(delta, CodecKind::fixed32, 0, values, values * sizeof(std::uint32_t)));
    std::vector<std::uint32_t> words(values);
    for (auto& word : words) {
        TRY(word, reader.u<std::uint32_t>());
    }
    return words;
}

Bytes fixed_delta(std::span<const std::uint32_t> words) {
    Writer writer;
    write_codec_header(writer, CodecKind::fixed32, 0, words.size());
    for (const auto word : words) writer.u(word);
    return std::move(writer).take();
}

void fixed_mean(std::span<const std::uint32_t> sum, std::size_t workers, std::span<float> out) {
    ENSURE(sum.size() == out.size() && workers >= 1);
    const double share = 1.0 / (static_cast<double>(kScale) * static_cast<double>(workers));
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<float>(static_cast<double>(static_cast<std::int32_t>(sum[i])) * share);
}

}  // namespace mutirao::train
