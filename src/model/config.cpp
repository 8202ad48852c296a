#include "model/config.hpp"

#include <cmath>

#include "base/random.hpp"

namespace mutirao::model {

namespace {

constexpr double kInitialDeviation = 0.02;

// A kind's numbers: the one list that limits, encodings and names come from.
struct Field {
    std::string_view name;
    std::uint32_t* value;
    std::uint32_t max;
};

std::vector<Field> fields_of(GptConfig& config) {
    return {{"layers", &config.layers, kLayersMax},
            {"width", &config.width, kWidthMax},
            {"heads", &config.heads, kHeadsMax},
            {"context", &config.context, kContextMax},
            {"vocabulary", &config.vocabulary, kVocabularyMax}};
}
std::vector<Field> fields_of(ImageConfig& config) {
    return {{"height", &config.height, kImageSideMax},   {"width", &config.width, kImageSideMax},
            {"channels", &config.channels, 3},           {"classes", &config.classes, kClassesMax},
            {"filters", &config.filters, kWidthMax / 8}, {"hidden", &config.hidden, kWidthMax}};
}
std::vector<Field> fields_of(TabularConfig& config) {
    return {{"features", &config.features, kFeaturesMax},
            {"outputs", &config.outputs, kClassesMax},
            {"hidden", &config.hidden, kWidthMax},
            {"layers", &config.layers, kLayersMax}};
}

Error refused(std::string reason) { return {ErrorKind::invalid_argument, std::move(reason)}; }

// Each field in its range, and the whole not too large.
template <class Config>
Status in_limits(Config config) {
    for (const auto& field : fields_of(config))
        if (*field.value < 1 || *field.value > field.max)
            return refused("model " + std::string(field.name) + " is " +
                           std::to_string(*field.value) + ", not 1 to " +
                           std::to_string(field.max));
    if (config.parameter_count() > kParametersMax)
        return refused("a model of " + std::to_string(config.parameter_count()) +
                       " parameters is above the limit of " + std::to_string(kParametersMax));
    return {};
}

constexpr std::array<std::string_view, 3> kKinds{"gpt", "image", "table"};

ModelConfig default_of(std::size_t kind) {
    if (kind == 1) return ImageConfig{};
    if (kind == 2) return TabularConfig{};
    return GptConfig{};
}

// Matrices that add into the residual stream start smaller, as many of them add up.
bool writes_residual(const std::string& name) {
    return name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
}

void add_layout(LayoutBuilder& out, const GptConfig& config) {
    const std::uint32_t d = config.width, hidden = config.feed_forward_width();
    out.add("model.embed_tokens.weight", {config.vocabulary, d});
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const std::string at = "model.layers." + std::to_string(layer) + ".";
        out.add(at + "input_layernorm.weight", {d});
        for (const char* map : {"q_proj", "k_proj", "v_proj", "o_proj"})
            out.add(at + "self_attn." + map + ".weight", {d, d});
        out.add(at + "post_attention_layernorm.weight", {d});
        out.add(at + "mlp.gate_proj.weight", {hidden, d});
        out.add(at + "mlp.up_proj.weight", {hidden, d});
        out.add(at + "mlp.down_proj.weight", {d, hidden});
    }
    out.add("model.norm.weight", {d});
    out.add("lm_head.weight", {config.vocabulary, d});
}

void add_affine(LayoutBuilder& out, const std::string& name, std::uint32_t outputs,
                std::uint32_t inputs) {
    out.add(name + ".weight", {outputs, inputs});
    out.add(name + ".bias", {outputs});
}

std::uint32_t halved(std::uint32_t side) { return (side + 1) / 2; }

void add_layout(LayoutBuilder& out, const ImageConfig& config) {
    const std::uint32_t filters = config.filters;
    const std::uint32_t left = halved(halved(config.height)) * halved(halved(config.width));
    add_affine(out, "model.layers.0", filters, 9 * config.channels);
    add_affine(out, "model.layers.1", 2 * filters, 9 * filters);
    add_affine(out, "model.layers.2", config.hidden, left * 2 * filters);
    add_affine(out, "head", config.classes, config.hidden);
}

void add_layout(LayoutBuilder& out, const TabularConfig& config) {
    std::uint32_t inputs = config.features;
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        add_affine(out, "model.layers." + std::to_string(layer), config.hidden, inputs);
        inputs = config.hidden;
    }
    add_affine(out, "head", config.outputs, inputs);
}

}  // namespace

Status GptConfig::validate() const {
    TRY_VOID(in_limits(*this));
    if (width % heads != 0 || width / heads % 2 != 0)
        return refused("model width " + std::to_string(width) + " does not divide into " +
                       std::to_string(heads) + " heads of an even size");
    return {};
}

std::uint32_t GptConfig::feed_forward_width() const {
    constexpr std::uint32_t kMultiple = 32;
    return (8 * width / 3 + kMultiple - 1) / kMultiple * kMultiple;
}

std::uint64_t GptConfig::parameter_count() const {
    const std::uint64_t d = width;
    const std::uint64_t layer = 4 * d * d + 3 * d * feed_forward_width() + 2 * d;
    return layers * layer + 2 * vocabulary * d + d;
}

Status ImageConfig::validate() const {
    TRY_VOID(in_limits(*this));
    if (channels == 2) return refused("model channels is 2, not 1 (grey) or 3 (colours)");
    if (classes < 2) return refused("an image classifier needs at least 2 classes");
    return {};
}

std::uint64_t ImageConfig::parameter_count() const {
    const std::uint64_t wide = 2 * std::uint64_t{filters};
    const std::uint64_t left = std::uint64_t{halved(halved(height))} * halved(halved(width)) * wide;
    return filters * (9ull * channels + 1) + wide * (9ull * filters + 1) + hidden * (left + 1) +
           classes * (std::uint64_t{hidden} + 1);
}

Status TabularConfig::validate() const { return in_limits(*this); }

std::uint64_t TabularConfig::parameter_count() const {
    const std::uint64_t h = hidden;
    return h * (features + 1ull) + (layers - 1ull) * h * (h + 1) + outputs * (h + 1);
}

Status ModelConfig::validate() const {
    return std::visit([](const auto& config) { return config.validate(); }, kind_);
}

std::uint64_t ModelConfig::parameter_count() const {
    return std::visit([](const auto& config) { return config.parameter_count(); }, kind_);
}

ExampleShape ModelConfig::example() const {
    return std::visit([](const auto& config) { return config.example(); }, kind_);
}

std::string_view ModelConfig::kind_name() const { return kKinds[kind_.index()]; }

std::vector<std::pair<std::string_view, std::uint32_t>> ModelConfig::fields() const {
    std::vector<std::pair<std::string_view, std::uint32_t>> out;
    auto copy = kind_;
    std::visit(
        [&](auto& config) {
            for (const auto& field : fields_of(config)) out.emplace_back(field.name, *field.value);
        },
        copy);
    return out;
}

Result<ModelConfig> ModelConfig::of_kind(std::string_view name) {
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind)
        if (kKinds[kind] == name) return default_of(kind);
    return Error{ErrorKind::not_found, "there is no kind of model \"" + std::string(name) +
                                           "\"; there are: gpt, image, table"};
}

Status ModelConfig::set(std::string_view name, std::uint32_t value) {
    std::string known;
    bool found = false;
    std::visit(
        [&](auto& config) {
            for (const auto& field : fields_of(config)) {
                known += (known.empty() ? "" : ", ") + std::string(field.name);
                if (field.name == name) *field.value = value, found = true;
            }
        },
        kind_);
    if (found) return {};
    return Error{ErrorKind::not_found, "a model of kind " + std::string(kind_name()) +
                                           " has no \"" + std::string(name) +
                                           "\"; it has: " + known};
}

void ModelConfig::encode(Writer& writer) const {
    writer.u(static_cast<std::uint8_t>(kind_.index()));
    for (const auto& [name, value] : fields()) writer.u(value);
}

Result<ModelConfig> ModelConfig::decode(Reader& reader) {
    TRY(const auto kind, reader.u<std::uint8_t>());
    if (kind >= kKinds.size())
        return refused("there is no kind of model with the number " + std::to_string(kind));
    auto config = default_of(kind);
    for (const auto& [name, unused] : config.fields()) {
        TRY(const auto value, reader.u<std::uint32_t>());
        TRY_VOID(config.set(name, value));
    }
    TRY_VOID(config.validate());
    return config;
}

void LayoutBuilder::add(std::string name, std::vector<std::uint32_t> shape) {
    std::size_t size = 1;
    for (const auto extent : shape) size *= extent;
    layout_.push_back({std::move(name), std::move(shape), offset_, size});
    offset_ += size;
}

std::vector<Parameter> parameter_layout(const ModelConfig& config) {
    LayoutBuilder out;
    std::visit([&](const auto& kind) { add_layout(out, kind); }, config.kind());
    return std::move(out).take();
}

void fill_uniform(std::span<float> out, float limit, Random& random) {
    Bytes bits(out.size() * 4);
    random.fill(bits);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::int32_t whole = bits[4 * i] | bits[4 * i + 1] << 8 | bits[4 * i + 2] << 16;
        out[i] = static_cast<float>(whole - (1 << 23)) * (limit / static_cast<float>(1 << 23));
    }
}

std::vector<float> initial_parameters(const ModelConfig& config, std::uint64_t seed) {
    return initial_parameters(config, seed, 0, config.parameter_count());
}

std::vector<float> initial_parameters(const ModelConfig& config, std::uint64_t seed,
                                      std::size_t offset, std::size_t size) {
    const auto* gpt = config.gpt();
    std::vector<float> parameters(size, gpt ? 1.0f : 0.0f), others;
    SeededRandom random(seed);
    for (const auto& parameter : parameter_layout(config)) {
        if (parameter.shape.size() == 1 || parameter.offset >= offset + size) continue;
        double deviation = gpt ? kInitialDeviation : std::sqrt(2.0 / parameter.shape[1]);
        if (gpt && writes_residual(parameter.name)) deviation /= std::sqrt(2.0 * gpt->layers);
        const bool is_asked = parameter.offset >= offset;
        others.resize(is_asked ? 0 : parameter.size);  // drawn as well: the seed's order is one
        const auto out =
            is_asked ? std::span(parameters).subspan(parameter.offset - offset, parameter.size)
                     : std::span(others);
        // A uniform distribution's limit is sqrt(3) standard deviations.
        fill_uniform(out, static_cast<float>(deviation * std::sqrt(3.0)), random);
    }
    return parameters;
}

}  // namespace mutirao::model
