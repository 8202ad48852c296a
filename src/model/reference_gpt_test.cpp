#include "model/reference_gpt_test.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace mutirao::model {

namespace {

using Vector = std::vector<double>;
using Sequence = std::vector<Vector>;  // one vector per position

class Reference {
  public:
    Reference(const GptConfig& config, std::span<const float> parameters)
        : config_(config), parameters_(parameters), layout_(parameter_layout(config)) {}

    ReferenceLogits logits(ByteSpan tokens) const {
        Sequence x;
        const float* embedding = weight("model.embed_tokens.weight");
        for (const std::size_t token : tokens)
            x.emplace_back(embedding + token * config_.width,
                           embedding + (token + 1) * config_.width);
        for (std::uint32_t layer = 0; layer < config_.layers; ++layer) {
            const std::string at = "model.layers." + std::to_string(layer) + ".";
            add(x, attention(at + "self_attn.", normed(x, at + "input_layernorm.weight")));
            add(x, feed_forward(at + "mlp.", normed(x, at + "post_attention_layernorm.weight")));
        }
        ReferenceLogits out;
        for (const auto& scores : map("lm_head.weight", normed(x, "model.norm.weight"))) {
            out.emplace_back();
            std::copy(scores.begin(), scores.end(), out.back().begin());
        }
        return out;
    }

  private:
    const Parameter& parameter(const std::string& name) const {
        return *std::find_if(layout_.begin(), layout_.end(),
                             [&](const auto& p) { return p.name == name; });
    }
    const float* weight(const std::string& name) const {
        return parameters_.data() + parameter(name).offset;
    }

    static void add(Sequence& x, const Sequence& change) {
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t i = 0; i < x[t].size(); ++i) x[t][i] += change[t][i];
    }

    Sequence normed(Sequence x, const std::string& name) const {
        for (auto& vector : x) {
            double squares = 0;
            for (const double value : vector) squares += value * value;
            const double root = std::sqrt(squares / static_cast<double>(vector.size()) + 1e-5);
            for (std::size_t i = 0; i < vector.size(); ++i) vector[i] *= weight(name)[i] / root;
        }
        return x;
    }

    Sequence map(const std::string& name, const Sequence& x) const {
        const auto& shape = parameter(name).shape;
        Sequence out(x.size(), Vector(shape[0], 0));
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t row = 0; row < shape[0]; ++row)
                for (std::size_t i = 0; i < shape[1]; ++i)
                    out[t][row] += weight(name)[row * shape[1] + i] * x[t][i];
        return out;
    }

    // Turns the pairs (i, i + half) of each head by position / 10000^(2 i / head size).
    void rotate(Sequence& x) const {
        const std::size_t head = config_.width / config_.heads, half = head / 2;
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t start = 0; start < config_.width; start += head)
                for (std::size_t i = 0; i < half; ++i) {
                    const double angle =
                        static_cast<double>(t) * std::pow(10000.0, -2.0 * static_cast<double>(i) /
                                                                       static_cast<double>(head));
                    double& a = x[t][start + i];
                    double& b = x[t][start + i + half];
                    const double turned = a * std::cos(angle) - b * std::sin(angle);
                    b = b * std::cos(angle) + a * std::sin(angle);
                    a = turned;
                }
    }

    Sequence attention(const std::string& at, const Sequence& x) const {
        auto query = map(at + "q_proj.weight", x), key = map(at + "k_proj.weight", x);
        const auto value = map(at + "v_proj.weight", x);
        rotate(query);
        rotate(key);
        const std::size_t head = config_.width / config_.heads;
        Sequence mixed(x.size(), Vector(config_.width, 0));
        for (std::size_t start = 0; start < config_.width; start += head)
            for (std::size_t t = 0; t < x.size(); ++t) {
                Vector share(t + 1);
                double total = 0;
                for (std::size_t s = 0; s <= t; ++s) {
                    double product = 0;
                    for (std::size_t i = start; i < start + head; ++i)
                        product += query[t][i] * key[s][i];
                    total += share[s] = std::exp(product / std::sqrt(static_cast<double>(head)));
                }
                for (std::size_t s = 0; s <= t; ++s)
                    for (std::size_t i = start; i < start + head; ++i)
                        mixed[t][i] += share[s] / total * value[s][i];
            }
        return map(at + "o_proj.weight", mixed);
    }

    Sequence feed_forward(const std::string& at, const Sequence& x) const {
        auto hidden = map(at + "gate_proj.weight", x);
        const auto up = map(at + "up_proj.weight", x);
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t i = 0; i < hidden[t].size(); ++i)
                hidden[t][i] *= up[t][i] / (1 + std::exp(-hidden[t][i]));
        return map(at + "down_proj.weight", hidden);
    }

    GptConfig config_;
    std::span<const float> parameters_;
    std::vector<Parameter> layout_;
};

}  // namespace

ReferenceLogits reference_logits(const GptConfig& config, std::span<const float> parameters,
                                 ByteSpan tokens) {
    return Reference(config, parameters).logits(tokens);
}

double reference_loss(const GptConfig& config, std::span<const float> parameters,
                      const Batch& batch) {
    double total = 0;
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
        const auto window = batch.tokens.subspan(row * (config.context + 1), config.context + 1);
        const auto logits = reference_logits(config, parameters, window.first(config.context));
        for (std::size_t t = 0; t < config.context; ++t) {
            double sum = 0;
            for (const double score : logits[t]) sum += std::exp(score);
            total += std::log(sum) - logits[t][window[t + 1]];
        }
    }
    return total / (batch.rows * config.context);
}

}  // namespace mutirao::model
