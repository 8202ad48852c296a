// A model in a safetensors file (https://github.com/huggingface/safetensors, "Format"): 8 bytes
// little-endian header size, a JSON header {name: {dtype, shape, data_offsets}}, raw little-endian
// float32. "__metadata__" holds our configuration as text. Readable by any safetensors library.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/config.hpp"

namespace mutirao::model {

inline constexpr std::size_t kCheckpointHeaderMax = 1 << 20;

struct Checkpoint {
    GptConfig config;
    std::vector<float> parameters;  // parameter_layout(config) order
    std::uint32_t round = 0;        // outer rounds behind it
    std::uint64_t tokens = 0;       // bytes it was trained on, all workers together
};

// One checkpoint, one encoding: tensors in layout order, without gaps, header padded with spaces
// to a multiple of 8. invalid_argument when the configuration or the parameter count is wrong.
Result<Bytes> encode_checkpoint(const Checkpoint& checkpoint);

// Accepts what encode_checkpoint writes and any other safetensors file with the same tensors and
// metadata (order and padding are free). corrupt, with the reason, for everything else; nothing is
// allocated before the sizes agree with the file's.
Result<Checkpoint> decode_checkpoint(ByteSpan file);

}  // namespace mutirao::model
