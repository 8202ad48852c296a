// The shapes of the models that the project trains, and where each parameter lies in one flat list
// of floats.
//
// - GptConfig: text. The Llama form (RMSNorm before attention and before a SwiGLU feed-forward,
//   rotary positions, no biases, output head not tied to the embedding) with Hugging Face's tensor
//   names. A token is a byte, or a piece of a SentencePiece vocabulary (tokenizer.hpp).
// - ImageConfig: which of some classes a picture shows. Two 3x3 convolutions of stride 2 (`filters`
//   and twice as many outputs), a hidden layer, a head; ReLU between them.
// - TabularConfig: one answer from a row of numbers: a class, or a number. Hidden layers with ReLU
//   between them, a head.
//
// Pure values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/codec.hpp"
#include "base/ports.hpp"

namespace mutirao::model {

using Token = std::uint16_t;

inline constexpr std::uint32_t kVocabulary = 256;  // of bytes
inline constexpr std::uint32_t kVocabularyMax = 65535;
inline constexpr std::uint32_t kLayersMax = 64;
inline constexpr std::uint32_t kWidthMax = 4096;
inline constexpr std::uint32_t kHeadsMax = 64;
inline constexpr std::uint32_t kContextMax = 4096;
inline constexpr std::uint32_t kImageSideMax = 1024;
inline constexpr std::uint32_t kClassesMax = 256;
inline constexpr std::uint32_t kFeaturesMax = 4096;
// What one process may be asked to hold: 4 bytes each, times four (gradient, optimizer state).
inline constexpr std::uint64_t kParametersMax = 512ull << 20;

// How examples are cut from prepared data: `items` items of `item_size` bytes, one after another,
// beginning at any item.
struct ExampleShape {
    std::uint32_t item_size = 1;
    std::uint32_t items = 1;

    std::size_t size() const { return std::size_t{item_size} * items; }
    bool operator==(const ExampleShape&) const = default;
};

struct GptConfig {
    std::uint32_t layers = 2;
    std::uint32_t width = 128;  // of the residual stream; heads * an even head size
    std::uint32_t heads = 4;
    std::uint32_t context = 64;  // tokens seen at once
    std::uint32_t vocabulary = kVocabulary;

    bool operator==(const GptConfig&) const = default;

    // invalid_argument, naming the field and its limit. The rest of this header, decoders apart,
    // wants a valid one.
    Status validate() const;
    // Width of the SwiGLU: 8/3 of the residual width, rounded up to a multiple of 32.
    std::uint32_t feed_forward_width() const;
    std::uint64_t parameter_count() const;
    // context + 1 tokens: token i + 1 is the answer to the tokens up to i. Little-endian u16 where
    // the vocabulary needs two bytes.
    ExampleShape example() const { return {vocabulary > 256 ? 2u : 1u, context + 1}; }
};

struct ImageConfig {
    std::uint32_t height = 28;
    std::uint32_t width = 28;
    std::uint32_t channels = 1;  // 1 grey, 3 red green blue
    std::uint32_t classes = 10;
    std::uint32_t filters = 16;  // of the first convolution
    std::uint32_t hidden = 64;

    bool operator==(const ImageConfig&) const = default;
    Status validate() const;
    std::uint64_t parameter_count() const;
    // Pixels row by row, the channels of one together, a byte each; then the class.
    ExampleShape example() const { return {height * width * channels + 1, 1}; }
};

struct TabularConfig {
    std::uint32_t features = 1;
    std::uint32_t outputs = 2;  // classes; 1: a number, learnt by its mean squared error
    std::uint32_t hidden = 64;
    std::uint32_t layers = 2;  // hidden ones

    bool operator==(const TabularConfig&) const = default;
    Status validate() const;
    std::uint64_t parameter_count() const;
    // float32 little-endian, all finite: the features, then the class's number or the target.
    ExampleShape example() const { return {4 * (features + 1), 1}; }
};

// One of them. Adding a kind adds an alternative, its fields (config.cpp) and a network (nano).
class ModelConfig {
  public:
    using Kind = std::variant<GptConfig, ImageConfig, TabularConfig>;
    ModelConfig() = default;
    ModelConfig(const GptConfig& config) : kind_(config) {}
    ModelConfig(const ImageConfig& config) : kind_(config) {}
    ModelConfig(const TabularConfig& config) : kind_(config) {}

    // Null when it is of another kind.
    const GptConfig* gpt() const { return std::get_if<GptConfig>(&kind_); }
    const ImageConfig* image() const { return std::get_if<ImageConfig>(&kind_); }
    const TabularConfig* table() const { return std::get_if<TabularConfig>(&kind_); }
    const Kind& kind() const { return kind_; }

    Status validate() const;
    std::uint64_t parameter_count() const;
    ExampleShape example() const;
    std::size_t example_size() const { return example().size(); }
    // Answers that one example asks for: a GPT's context, otherwise 1.
    std::uint32_t answers() const { return gpt() ? gpt()->context : 1; }

    // "gpt", "image" or "table", and its numbers by name: for files that people write and read.
    std::string_view kind_name() const;
    std::vector<std::pair<std::string_view, std::uint32_t>> fields() const;
    // The default of a kind. not_found lists the kinds.
    static Result<ModelConfig> of_kind(std::string_view name);
    // not_found lists the fields. Does not validate.
    Status set(std::string_view field, std::uint32_t value);

    // kind u8 | each field u32, in fields() order.
    void encode(Writer& writer) const;
    // Fails on any shape that validate() refuses.
    static Result<ModelConfig> decode(Reader& reader);

    bool operator==(const ModelConfig&) const = default;

  private:
    Kind kind_;
};

struct Parameter {
    std::string name;                  // "model.layers.0.self_attn.q_proj.weight"
    std::vector<std::uint32_t> shape;  // row-major; {outputs, inputs} of a linear map
    std::size_t offset = 0;            // of its first float in the flat list
    std::size_t size = 0;              // floats

    bool operator==(const Parameter&) const = default;
};

// Appends parameters to a layout without gaps.
class LayoutBuilder {
  public:
    void add(std::string name, std::vector<std::uint32_t> shape);
    std::vector<Parameter> take() && { return std::move(layout_); }

  private:
    std::vector<Parameter> layout_;
    std::size_t offset_ = 0;
};

// All parameters in the flat list's order, without gaps. Every peer of a training run and every
// checkpoint uses this one order.
std::vector<Parameter> parameter_layout(const ModelConfig& config);

// Fresh parameters. A GPT's norms are 1, its matrices uniform with standard deviation 0.02 (the two
// that write to the residual stream: 0.02 / sqrt(2 * layers), as in GPT-2). Of the others, biases
// are 0 and matrices uniform with deviation sqrt(2 / inputs) (He et al. 2015). Same seed, same
// bits, on every machine: integers and one multiplication, no libm distributions.
std::vector<float> initial_parameters(const ModelConfig& config, std::uint64_t seed);
// `size` of them from `offset` on, which cut no parameter: what a stage starts from, without memory
// for the whole.
std::vector<float> initial_parameters(const ModelConfig& config, std::uint64_t seed,
                                      std::size_t offset, std::size_t size);

// Uniform in [-limit, limit), 24 random bits each.
void fill_uniform(std::span<float> out, float limit, Random& random);

}  // namespace mutirao::model
