// Activations, and their gradients, on the wire between pipeline stages.
//
// int8 is the pseudo-gradients' codec in blocks of 64: a value is off by at most its block's
// largest magnitude / 254, for 1.06 bytes a value instead of 4. No error feedback: an activation
// has no next round. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/codec.hpp"

namespace mutirao::train {

enum class ActivationCodec : std::uint8_t {
    float32 = 0,  // exact: the staged model is the whole model bit for bit
    bf16 = 1,
    int8 = 2,
};
std::string_view to_string(ActivationCodec codec);

inline constexpr std::uint64_t kActivationsMax = 1ull << 26;  // values of a micro-batch

// corrupt when a value is not finite. 1 to kActivationsMax values.
Result<Bytes> encode_activations(ActivationCodec codec, std::span<const float> values);
// Overwrites all of `out`. corrupt for anything that encode_activations would not have written for
// so many values.
Status decode_activations(ActivationCodec codec, ByteSpan bytes, std::span<float> out);

}  // namespace mutirao::train
