// Values as whole numbers of a scale that a block shares, 4 or 8 bits each: the body of the int4
// and int8 codecs, and how low rank sends its factors.
//
// For each block a scale (float, largest magnitude / largest whole), then its values, each stored
// as value + 8 or + 128, nibbles with the earlier one in the low half. The last block may be short;
// an odd count of nibbles leaves a zero half. Same input, same bytes, on every machine with IEEE
// floats.
#pragma once

#include "base/codec.hpp"

namespace mutirao::train {

enum class WholeBits : std::uint8_t { four = 4, eight = 8 };

std::size_t whole_blocks_size(std::uint64_t values, std::uint32_t block, WholeBits bits);
// Values must be finite.
void write_whole_blocks(std::span<const float> values, std::uint32_t block, WholeBits bits,
                        Writer& writer);
// corrupt for what write_whole_blocks would not have written. All of `out` is finite afterwards.
Status read_whole_blocks(Reader& reader, std::uint32_t block, WholeBits bits, std::span<float> out);

}  // namespace mutirao::train
