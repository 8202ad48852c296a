#include "model/config.hpp"

#include <cmath>

#include "base/random.hpp"

namespace mutirao::model {

namespace {

constexpr double kInitialDeviation = 0.02;

Status in_range(const char* field, std::uint32_t value, std::uint32_t max) {
    if (value >= 1 && value <= max) return {};
    return Error{ErrorKind::invalid_argument, std::string("model ") + field + " is " +
                                                  std::to_string(value) + ", not 1 to " +
                                                  std::to_string(max)};
}

// Matrices that add into the residual stream start smaller, as many of them add up.
bool writes_residual(const std::string& name) {
    return name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
}

// Uniform in [-limit, limit): 24 random bits each, exact in a float.
void fill_uniform(std::span<float> out, float limit, Random& random) {
    Bytes bits(out.size() * 4);
    random.fill(bits);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::int32_t whole = bits[4 * i] | bits[4 * i + 1] << 8 | bits[4 * i + 2] << 16;
        out[i] = static_cast<float>(whole - (1 << 23)) * (limit / static_cast<float>(1 << 23));
    }
}

}  // namespace

Status GptConfig::validate() const {
    TRY_VOID(in_range("layers", layers, kLayersMax));
    TRY_VOID(in_range("width", width, kWidthMax));
    TRY_VOID(in_range("heads", heads, kHeadsMax));
    TRY_VOID(in_range("context", context, kContextMax));
    if (width % heads != 0 || width / heads % 2 != 0)
        return Error{ErrorKind::invalid_argument,
                     "model width " + std::to_string(width) + " does not divide into " +
                         std::to_string(heads) + " heads of an even size"};
    if (parameter_count() > kParametersMax)
        return Error{ErrorKind::invalid_argument,
                     "a model of " + std::to_string(parameter_count()) +
                         " parameters is above the limit of " + std::to_string(kParametersMax)};
    return {};
}

std::uint32_t GptConfig::feed_forward_width() const {
    constexpr std::uint32_t kMultiple = 32;
    return (8 * width / 3 + kMultiple - 1) / kMultiple * kMultiple;
}

std::uint64_t GptConfig::parameter_count() const {
    const std::uint64_t d = width;
    const std::uint64_t layer = 4 * d * d + 3 * d * feed_forward_width() + 2 * d;
    return layers * layer + 2 * kVocabulary * d + d;
}

void GptConfig::encode(Writer& writer) const { writer.u(layers).u(width).u(heads).u(context); }

Result<GptConfig> GptConfig::decode(Reader& reader) {
    GptConfig config;
    TRY(config.layers, reader.u<std::uint32_t>());
    TRY(config.width, reader.u<std::uint32_t>());
    TRY(config.heads, reader.u<std::uint32_t>());
    TRY(config.context, reader.u<std::uint32_t>());
    TRY_VOID(config.validate());
    return config;
}

std::vector<Parameter> parameter_layout(const GptConfig& config) {
    const std::uint32_t d = config.width;
    const std::uint32_t hidden = config.feed_forward_width();
    std::vector<Parameter> layout;
    std::size_t offset = 0;
    auto add = [&](std::string name, std::vector<std::uint32_t> shape) {
        std::size_t size = 1;
        for (const auto extent : shape) size *= extent;
        layout.push_back({std::move(name), std::move(shape), offset, size});
        offset += size;
    };
    add("model.embed_tokens.weight", {kVocabulary, d});
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const std::string at = "model.layers." + std::to_string(layer) + ".";
        add(at + "input_layernorm.weight", {d});
        for (const char* map : {"q_proj", "k_proj", "v_proj", "o_proj"})
            add(at + "self_attn." + map + ".weight", {d, d});
        add(at + "post_attention_layernorm.weight", {d});
        add(at + "mlp.gate_proj.weight", {hidden, d});
        add(at + "mlp.up_proj.weight", {hidden, d});
        add(at + "mlp.down_proj.weight", {d, hidden});
    }
    add("model.norm.weight", {d});
    add("lm_head.weight", {kVocabulary, d});
    return layout;
}

std::vector<float> initial_parameters(const GptConfig& config, std::uint64_t seed) {
    std::vector<float> parameters(config.parameter_count(), 1.0f);
    SeededRandom random(seed);
    for (const auto& parameter : parameter_layout(config)) {
        if (parameter.shape.size() == 1) continue;
        // A uniform distribution's limit is sqrt(3) standard deviations.
        double limit = kInitialDeviation * std::sqrt(3.0);
        if (writes_residual(parameter.name)) limit /= std::sqrt(2.0 * config.layers);
        fill_uniform(std::span(parameters).subspan(parameter.offset, parameter.size),
                     static_cast<float>(limit), random);
    }
    return parameters;
}

}  // namespace mutirao::model
