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
// corrupt unless both are finite, without a sign, and in order.
Result<Magnitudes> read_magnitudes(Reader& reader);

}  // namespace mutirao::train
