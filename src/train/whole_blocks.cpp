#include "train/whole_blocks.hpp"

#include <algorithm>

#include "train/codec_frame.hpp"

namespace mutirao::train {

namespace {

// Blocks below it are all zero: keeps scales out of the subnormal floats.
constexpr float kTiny = 1e-30f;

struct Wholes {
    int largest, bias;
};
Wholes wholes(WholeBits bits) { return bits == WholeBits::four ? Wholes{7, 8} : Wholes{127, 128}; }

std::size_t packed_size(std::size_t values, WholeBits bits) {
    return bits == WholeBits::four ? (values + 1) / 2 : values;
}

void write_block(std::span<const float> values, WholeBits bits, Writer& writer) {
    const auto [most, bias] = wholes(bits);
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    const float scale = largest < kTiny ? 0 : largest / static_cast<float>(most);
    write_float(writer, scale);
    auto stored = [&, most = most, bias = bias](std::size_t i) -> std::uint8_t {
        if (i >= values.size()) return 0;
        const long whole = scale == 0 ? 0 : std::lrint(values[i] / scale);
        return static_cast<std::uint8_t>(std::clamp<long>(whole, -most, most) + bias);
    };
    Bytes packed;
    if (bits == WholeBits::four)
        for (std::size_t i = 0; i < values.size(); i += 2)
            packed.push_back(static_cast<std::uint8_t>(stored(i) | stored(i + 1) << 4));
    else
        for (std::size_t i = 0; i < values.size(); ++i) packed.push_back(stored(i));
    writer.raw(packed);
}

Status read_block(Reader& reader, WholeBits bits, std::span<float> out) {
    const auto [most, bias] = wholes(bits);
    TRY(const auto scale_bits, reader.u<std::uint32_t>());
    const float scale = std::bit_cast<float>(scale_bits);
    if (scale_bits != 0 && !(std::isfinite(scale * static_cast<float>(most)) &&
                             scale >= kTiny / static_cast<float>(most)))
        return codec_broken("a scale is not a positive number");
    TRY(const auto packed, reader.raw(packed_size(out.size(), bits)));
    if (bits == WholeBits::four && out.size() % 2 == 1 && packed.back() >> 4 != 0)
        return codec_broken("bits after the last value");
    int largest = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int stored = bits == WholeBits::eight ? packed[i]
                           : i % 2 == 0             ? packed[i / 2] & 15
                                                    : packed[i / 2] >> 4;
        if (stored == 0) return codec_broken("a value is out of range");
        largest = std::max(largest, std::abs(stored - bias));
        out[i] = static_cast<float>(stored - bias) * scale;
    }
    // The block's largest value gives the scale, so it is stored as the largest whole number.
    if (largest != (scale_bits == 0 ? 0 : most))
        return codec_broken("a scale does not fit its values");
    return {};
}

}  // namespace

std::size_t whole_blocks_size(std::uint64_t values, std::uint32_t block, WholeBits bits) {
    // Every block but the last is even, so halves add up.
    return (values + block - 1) / block * sizeof(float) + packed_size(values, bits);
}

void write_whole_blocks(std::span<const float> values, std::uint32_t block, WholeBits bits,
                        Writer& writer) {
    for (std::size_t start = 0; start < values.size(); start += block)
        write_block(values.subspan(start, std::min<std::size_t>(block, values.size() - start)),
                    bits, writer);
}

Status read_whole_blocks(Reader& reader, std::uint32_t block, WholeBits bits,
                         std::span<float> out) {
    for (std::size_t start = 0; start < out.size(); start += block)
        TRY_VOID(read_block(reader, bits,
                            out.subspan(start, std::min<std::size_t>(block, out.size() - start))));
    return {};
}

}  // namespace mutirao::train
