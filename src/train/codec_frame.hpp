// What every pseudo-gradient codec's bytes begin with, and bit-level reading and writing.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/codec.hpp"
#include "train/pseudo_gradient.hpp"

namespace mutirao::train {

inline constexpr std::uint8_t kCodecVersion = 1;
inline constexpr std::size_t kCodecHeaderSize = 1 + 1 + 4 + 8;

// version u8, kind u8, the kind's own setting u32 (block, kept, or 0), parameter count u64.
void write_codec_header(Writer& writer, CodecKind kind, std::uint32_t setting,
                        std::uint64_t parameters);
// corrupt unless it is exactly the header that these arguments give and `size` bytes follow it.
Result<Reader> read_codec_header(ByteSpan bytes, CodecKind kind, std::uint32_t setting,
                                 std::uint64_t parameters, std::size_t size);

Error codec_broken(const char* reason);
// corrupt, naming the first index, when a value is not finite.
Status check_finite(std::span<const float> values);

inline void write_float(Writer& writer, float value) {
    writer.u(std::bit_cast<std::uint32_t>(value));
}
inline void write_floats(Writer& writer, std::span<const float> list) {
    if constexpr (std::endian::native == std::endian::little)  // as they lie in memory
        writer.raw({reinterpret_cast<const std::uint8_t*>(list.data()), list.size_bytes()});
    else
        for (const float value : list) write_float(writer, value);
}
// corrupt, as `what`, when a number is not finite or there are not so many; nothing is allocated
// before they are there.
Result<std::vector<float>> read_floats(Reader& reader, std::uint64_t count, const char* what);

// The upper half of a float, rounded to nearest, ties to even. Finite input may round to infinity
// only from within half a step of the largest float; to_bf16 stops at the largest bf16 instead.
inline std::uint16_t to_bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto rounded = static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    return (rounded & 0x7fff) == 0x7f80 ? static_cast<std::uint16_t>(rounded - 1) : rounded;
}
inline float from_bf16(std::uint16_t half) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

// The two magnitudes that a block's values are rounded to, as bf16 each.
struct Magnitudes {
    float low = 0, high = 0;
};
inline void write_magnitudes(Writer& writer, const Magnitudes& magnitudes) {
    writer.u(to_bf16(magnitudes.low)).u(to_bf16(magnitudes.high));
}
// corrupt unless both are finite, without a sign, and in order.
Result<Magnitudes> read_magnitudes(Reader& reader);

// The quantizer of two magnitudes: each is the mean of the magnitudes on its side of a border. At
// least one must not be above it. Sums run in the order of add(), in double: one result everywhere.
class TwoLevels {
  public:
    explicit TwoLevels(double border) : border_(border) {}
    void add(float value);
    Magnitudes means() const;

    // A value's two bits: 1 = negative, 2 = high.
    unsigned bits(float value) const {
        return static_cast<unsigned>(std::signbit(value)) | static_cast<unsigned>(is_high(value))
                                                                << 1;
    }
    static float value(unsigned bits, const Magnitudes& magnitudes) {
        const float magnitude = bits & 2 ? magnitudes.high : magnitudes.low;
        return bits & 1 ? -magnitude : magnitude;
    }

  private:
    bool is_high(float value) const { return static_cast<double>(std::abs(value)) > border_; }

    double border_;
    double sums_[2] = {0, 0};
    int counts_[2] = {0, 0};
};

}  // namespace mutirao::train
