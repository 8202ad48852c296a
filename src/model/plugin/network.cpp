#include "model/plugin/network.hpp"

#include <cmath>
#include <limits>

namespace mutirao::model::plugin {

namespace {

// Positions of one layer's parameters, as parameter_layout() orders them.
enum LayerParameter {
    kAttentionNorm,
    kQuery,
    kKey,
    kValue,
    kOutput,
    kFeedForwardNorm,
    kGate,
    kUp,
    kDown,
    kLayerParameters
};

constexpr double kNormEpsilon = 1e-5;
constexpr double kRotaryBase = 10000;

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight) {
    return x * (x.square().mean(-1, true) + kNormEpsilon).rsqrt() * weight;
}

}  // namespace

// Rotary angles as in RoFormer (Su et al. 2021), halves laid out as Hugging Face's Llama has them.
Network::Network(const GptConfig& config) : config_(config) {
    const auto length = static_cast<std::int64_t>(config.context);
    const auto head = static_cast<std::int64_t>(config.width / config.heads);
    const auto power = at::arange(0, head, 2, at::kFloat) / static_cast<double>(head);
    const auto angles = at::outer(at::arange(length, at::kFloat), at::pow(kRotaryBase, -power));
    const auto both = at::cat({angles, angles}, -1);
    cosines_ = both.cos();
    sines_ = both.sin();
    mask_ = at::full({length, length}, -std::numeric_limits<float>::infinity()).triu(1);
}

at::Tensor Network::rotate(const at::Tensor& x) const {
    const auto length = x.size(-2);
    const auto halves = x.chunk(2, -1);
    const auto turned = at::cat({-halves[1], halves[0]}, -1);
    return x * cosines_.slice(0, 0, length) + turned * sines_.slice(0, 0, length);
}

at::Tensor Network::attention(const at::Tensor* maps, const at::Tensor& x) const {
    const auto rows = x.size(0), length = x.size(1), width = x.size(2);
    const auto heads = static_cast<std::int64_t>(config_.heads);
    auto split = [&](const at::Tensor& map) {
        return at::linear(x, map).view({rows, length, heads, width / heads}).transpose(1, 2);
    };
    const auto query = rotate(split(maps[kQuery]));
    const auto key = rotate(split(maps[kKey]));
    const double scale = 1 / std::sqrt(static_cast<double>(width / heads));
    const auto scores = at::matmul(query * scale, key.transpose(-2, -1)) +
                        mask_.slice(0, 0, length).slice(1, 0, length);
    const auto mixed = at::matmul(at::softmax(scores, -1), split(maps[kValue]));
    return at::linear(mixed.transpose(1, 2).reshape({rows, length, width}), maps[kOutput]);
}

at::Tensor Network::logits(const std::vector<at::Tensor>& parameters,
                           const at::Tensor& tokens) const {
    auto x = at::embedding(parameters.front(), tokens);
    for (std::uint32_t layer = 0; layer < config_.layers; ++layer) {
        const at::Tensor* maps = &parameters[1 + layer * kLayerParameters];
        x = x + attention(maps, rms_norm(x, maps[kAttentionNorm]));
        const auto normed = rms_norm(x, maps[kFeedForwardNorm]);
        const auto gated = at::silu(at::linear(normed, maps[kGate]));
        x = x + at::linear(gated * at::linear(normed, maps[kUp]), maps[kDown]);
    }
    return at::linear(rms_norm(x, parameters[parameters.size() - 2]), parameters.back());
}

at::Tensor Network::loss(const std::vector<at::Tensor>& parameters, const at::Tensor& tokens,
                         const at::Tensor& targets) const {
    const auto scores = logits(parameters, tokens);
    return at::cross_entropy_loss(scores.reshape({-1, scores.size(-1)}), targets.reshape({-1}));
}

}  // namespace mutirao::model::plugin
