// A model in a safetensors file (https://github.com/huggingface/safetensors, "Format"): 8 bytes
// little-endian header size, a JSON header {name: {dtype, shape, data_offsets}}, raw little-endian
// tensors. "__metadata__" holds our configuration as text. Readable by any safetensors library.
// docs/reference/checkpoint.md has the names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/config.hpp"
#include "model/lora.hpp"

namespace mutirao::model {

inline constexpr std::size_t kCheckpointHeaderMax = 1 << 20;
inline constexpr std::size_t kPreparationMax = 16 << 20;

struct Checkpoint {
    // The parameters are adapters of a base, which is another checkpoint.
    struct Adapter {
        LoraConfig lora;
        Digest base;  // of the base's content, as the network names it

        bool operator==(const Adapter&) const = default;
    };

    ModelConfig config;
    std::vector<float> parameters;  // in layout()'s order
    std::uint32_t round = 0;        // outer rounds behind it
    std::uint64_t tokens = 0;       // answers it was trained on, all workers together
    // How data become examples: a tokenizer's file, a table's schema, the names of pictures'
    // classes; empty for bytes.
    Bytes preparation = {};
    std::optional<Adapter> adapter = {};

    // parameter_layout(config), or lora_layout() of an adapter.
    std::vector<Parameter> layout() const;
};

// One checkpoint, one encoding: tensors in layout order, without gaps, then the preparation, header
// padded with spaces to a multiple of 8. invalid_argument when the configuration or the parameter
// count is wrong.
Result<Bytes> encode_checkpoint(const Checkpoint& checkpoint);

// The piece of that file which holds the parameters `values` from `offset` on: with the header when
// they are the first, with the preparation when they are the last. The files of a model's stages,
// one after another, are the checkpoint. `head` has everything but the parameters.
// invalid_argument as above, and when the values are none of the model's.
Result<Bytes> encode_checkpoint_piece(const Checkpoint& head, std::size_t offset,
                                      std::span<const float> values);

// Accepts what encode_checkpoint writes and any other safetensors file with the same tensors and
// metadata (order and padding are free). corrupt, with the reason, for everything else; nothing is
// allocated before the sizes agree with the file's.
Result<Checkpoint> decode_checkpoint(ByteSpan file);

// The whole model of a base and an adapter of it, which the adapter's digest must have named.
// invalid_argument when they are of different shapes, or which is which is wrong.
Result<Checkpoint> merge_checkpoints(const Checkpoint& base, const Checkpoint& adapter);

// A safetensors file of float32 tensors with these names and values, and string metadata.
Bytes encode_tensors(std::span<const Parameter> layout, std::span<const float> values,
                     const std::vector<std::pair<std::string, std::string>>& metadata);

}  // namespace mutirao::model
