// Gradients of network.cpp, layer by layer from the last. dstream_ is the gradient of the residual
// stream throughout: what a block adds to the stream passes it on, and adds its own.
#include <algorithm>
#include <cmath>

#include "model/nano/network.hpp"

namespace mutirao::model::nano {

// From dnormed_, adds to dstream_ and dweight.
void Network::norms_backward(const std::vector<float>& x, const std::vector<float>& scales,
                             const float* weight, std::size_t tokens, float* dweight) {
    for (std::size_t i = 0; i < tokens; ++i)
        kernels_.rms_norm_backward(x.data() + i * width_, weight, scales[i],
                                   dnormed_.data() + i * width_, dstream_.data() + i * width_,
                                   dweight, width_);
}

void Network::backward(const float* parameters, const Activations& at, float* gradient) {
    const std::size_t tokens = at.size();
    at_least(dnormed_, tokens * width_);
    if (is_last()) {
        multiply({.rows = tokens, .columns = width_, .inner = vocabulary_},
                 {at.scores.data(), vocabulary_}, {parameters + output_head_, width_},
                 {dnormed_.data(), width_});
        transposed_multiply(
            {.rows = vocabulary_, .columns = width_, .inner = tokens, .into = Into::add},
            {at.scores.data(), vocabulary_}, {at.normed.data(), width_},
            {gradient + output_head_, width_});
        std::fill_n(at_least(dstream_, tokens * width_), tokens * width_, 0.0f);
        norms_backward(at.stream, at.scale, parameters + final_norm_, tokens,
                       gradient + final_norm_);
    }
    for (std::size_t i = range_.layers; i-- > 0;) {
        feed_forward_backward(parameters, i, at, gradient);
        attention_backward(parameters, i, at, gradient);
    }
    for (std::size_t i = 0; is_first() && i < tokens; ++i)
        kernels_.add(gradient + at.tokens[i] * width_, dstream_.data() + i * width_, width_);
}

void Network::feed_forward_backward(const float* parameters, std::size_t index,
                                    const Activations& at, float* gradient) {
    const auto& offsets = offsets_[index];
    const auto& layer = at.layers[index];
    const std::size_t tokens = at.size();
    float* dhidden = at_least(dhidden_, tokens * hidden_);
    multiply({.rows = tokens, .columns = hidden_, .inner = width_}, {dstream_.data(), width_},
             {parameters + offsets.down, hidden_}, {dhidden, hidden_});
    transposed_multiply({.rows = width_, .columns = hidden_, .inner = tokens, .into = Into::add},
                        {dstream_.data(), width_}, {layer.hidden.data(), hidden_},
                        {gradient + offsets.down, hidden_});
    float* dgate_up = at_least(dgate_up_, tokens * 2 * hidden_);
    for (std::size_t i = 0; i < tokens; ++i) {
        const float* gate = layer.gate_up.data() + i * 2 * hidden_;
        float* dgate = dgate_up + i * 2 * hidden_;
        kernels_.swiglu_backward(gate, gate + hidden_, dhidden + i * hidden_, dgate,
                                 dgate + hidden_, hidden_);
    }
    transposed_multiply(
        {.rows = 2 * hidden_, .columns = width_, .inner = tokens, .into = Into::add},
        {dgate_up, 2 * hidden_}, {layer.normed_middle.data(), width_},
        {gradient + offsets.gate_up, width_});
    multiply({.rows = tokens, .columns = width_, .inner = 2 * hidden_}, {dgate_up, 2 * hidden_},
             {parameters + offsets.gate_up, width_}, {dnormed_.data(), width_});
    norms_backward(layer.middle, layer.middle_scale, parameters + offsets.feed_forward_norm, tokens,
                   gradient + offsets.feed_forward_norm);
}

void Network::attention_backward(const float* parameters, std::size_t index, const Activations& at,
                                 float* gradient) {
    const auto& offsets = offsets_[index];
    const auto& layer = at.layers[index];
    const std::size_t tokens = at.size();
    multiply({.rows = tokens, .columns = width_, .inner = width_}, {dstream_.data(), width_},
             {parameters + offsets.output, width_}, {at_least(dmixed_, tokens * width_), width_});
    transposed_multiply({.rows = width_, .columns = width_, .inner = tokens, .into = Into::add},
                        {dstream_.data(), width_}, {layer.mixed.data(), width_},
                        {gradient + offsets.output, width_});
    float* dqkv = at_least(dqkv_, tokens * 3 * width_);
    mixing_backward(at, layer);
    rotate(at, dqkv, true);
    transposed_multiply({.rows = 3 * width_, .columns = width_, .inner = tokens, .into = Into::add},
                        {dqkv, 3 * width_}, {layer.normed_input.data(), width_},
                        {gradient + offsets.query_key_value, width_});
    multiply({.rows = tokens, .columns = width_, .inner = 3 * width_}, {dqkv, 3 * width_},
             {parameters + offsets.query_key_value, width_}, {dnormed_.data(), width_});
    norms_backward(layer.input, layer.input_scale, parameters + offsets.attention_norm, tokens,
                   gradient + offsets.attention_norm);
}

// From dmixed_ to dqkv_ of turned queries and keys, head by head.
void Network::mixing_backward(const Activations& at, const Layer& layer) {
    const std::size_t length = at.length, stride = 3 * width_;
    const float scale = 1 / std::sqrt(static_cast<float>(head_));
    const float* shares = layer.shares.data();
    float* dshares = at_least(dshares_, length * length);
    for (std::size_t row = 0; row < at.rows; ++row)
        for (std::size_t start = 0; start < width_; start += head_, shares += length * length) {
            const float* query = layer.query_key_value.data() + row * length * stride + start;
            const float* dmixed = dmixed_.data() + row * length * width_ + start;
            float* dquery = dqkv_.data() + row * length * stride + start;
            multiply_transposed({.rows = length, .columns = length, .inner = head_},
                                {dmixed, width_}, {query + 2 * width_, stride}, {dshares, length});
            transposed_multiply({.rows = length, .columns = head_, .inner = length},
                                {shares, length}, {dmixed, width_}, {dquery + 2 * width_, stride});
            // Beyond the diagonal the shares are 0, and so are these gradients.
            for (std::size_t t = 0; t < length; ++t) {
                kernels_.softmax_backward(shares + t * length, dshares + t * length, t + 1, scale);
                std::fill(dshares + t * length + t + 1, dshares + (t + 1) * length, 0.0f);
            }
            multiply({.rows = length, .columns = head_, .inner = length}, {dshares, length},
                     {query + width_, stride}, {dquery, stride});
            transposed_multiply({.rows = length, .columns = head_, .inner = length},
                                {dshares, length}, {query, stride}, {dquery + width_, stride});
        }
}

}  // namespace mutirao::model::nano
