// The shape of a byte-level GPT and where each of its parameters lies in one flat list of floats.
//
// The network is the Llama form (RMSNorm before attention and before a SwiGLU feed-forward, rotary
// positions, no biases, output head not tied to the embedding) with Hugging Face's tensor names, so
// that a checkpoint opens as LlamaForCausalLM with vocab_size 256. Token = byte.
//
// Pure values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/codec.hpp"

namespace mutirao::model {

inline constexpr std::uint32_t kVocabulary = 256;
inline constexpr std::uint32_t kLayersMax = 64;
inline constexpr std::uint32_t kWidthMax = 4096;
inline constexpr std::uint32_t kHeadsMax = 64;
inline constexpr std::uint32_t kContextMax = 4096;
// What one process may be asked to hold: 4 bytes each, times four (gradient, optimizer state).
inline constexpr std::uint64_t kParametersMax = 512ull << 20;

struct GptConfig {
    std::uint32_t layers = 2;
    std::uint32_t width = 128;  // of the residual stream; heads * an even head size
    std::uint32_t heads = 4;
    std::uint32_t context = 64;  // bytes seen at once

    bool operator==(const GptConfig&) const = default;

    // invalid_argument, naming the field and its limit. The rest of this header, the codec's
    // decoder apart, wants a valid one.
    Status validate() const;
    // Width of the SwiGLU: 8/3 of the residual width, rounded up to a multiple of 32.
    std::uint32_t feed_forward_width() const;
    std::uint64_t parameter_count() const;

    void encode(Writer& writer) const;
    // Fails on any shape that validate() refuses.
    static Result<GptConfig> decode(Reader& reader);
};

struct Parameter {
    std::string name;                  // "model.layers.0.self_attn.q_proj.weight"
    std::vector<std::uint32_t> shape;  // row-major; {outputs, inputs} of a linear map
    std::size_t offset = 0;            // of its first float in the flat list
    std::size_t size = 0;              // floats

    bool operator==(const Parameter&) const = default;
};

// All parameters in the flat list's order, without gaps. Every peer of a training run and every
// checkpoint uses this one order.
std::vector<Parameter> parameter_layout(const GptConfig& config);

// Fresh parameters: norms are 1, matrices are uniform with standard deviation 0.02 (the two that
// write to the residual stream: 0.02 / sqrt(2 * layers), as in GPT-2). Same seed, same bits, on
// every machine: integers and one multiplication, no libm distributions.
std::vector<float> initial_parameters(const GptConfig& config, std::uint64_t seed);

}  // namespace mutirao::model
