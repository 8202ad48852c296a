#include "model/nano/network.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/backend_checks.hpp"

namespace mutirao::model::nano {

namespace {

constexpr float kNormEpsilon = 1e-5f;
constexpr double kRotaryBase = 10000;

}  // namespace

void Activations::read(const GptConfig& config, const Batch& batch, std::size_t first_row,
                       std::size_t row_count) {
    rows = row_count;
    length = config.context;
    tokens.clear();
    answers.clear();
    const std::size_t size = config.example().size();
    for (std::size_t row = first_row; row < first_row + rows; ++row) {
        const auto window = tokens_of(config, batch.tokens.subspan(row * size, size));
        tokens.insert(tokens.end(), window.begin(), window.end() - 1);
        answers.insert(answers.end(), window.begin() + 1, window.end());
    }
}

Network::Network(const GptConfig& config, const StageRange& range, const Kernels& kernels)
    : config_(config),
      range_(range),
      kernels_(kernels),
      width_(config.width),
      hidden_(config.feed_forward_width()),
      head_(config.width / config.heads),
      vocabulary_(config.vocabulary) {
    std::size_t at = is_first() ? vocabulary_ * width_ : 0;
    auto take = [&](std::size_t size) { return std::exchange(at, at + size); };
    for (std::uint32_t i = 0; i < range.layers; ++i) {
        LayerOffsets offsets{};
        offsets.attention_norm = take(width_);
        offsets.query_key_value = take(3 * width_ * width_);
        offsets.output = take(width_ * width_);
        offsets.feed_forward_norm = take(width_);
        offsets.gate_up = take(2 * hidden_ * width_);
        offsets.down = take(width_ * hidden_);
        offsets_.push_back(offsets);
    }
    if (is_last()) {
        final_norm_ = take(width_);
        output_head_ = take(vocabulary_ * width_);
    }
    ENSURE(at == stage_slice(config, range).size);

    const std::size_t half = head_ / 2;
    for (std::size_t t = 0; t < config.context; ++t)
        for (std::size_t i = 0; i < half; ++i) {
            const double power = -2.0 * static_cast<double>(i) / static_cast<double>(head_);
            const double angle = static_cast<double>(t) * std::pow(kRotaryBase, power);
            cosines_.push_back(static_cast<float>(std::cos(angle)));
            sines_.push_back(static_cast<float>(std::sin(angle)));
        }
}

template <class Work>
void Network::each_slice(const Batch& batch, Work work) {
    const std::size_t rows_at_once = std::max<std::size_t>(1, kSliceTokens / config_.context);
    for (std::size_t first = 0; first < batch.rows; first += rows_at_once) {
        slice_.read(config_, batch, first, std::min<std::size_t>(rows_at_once, batch.rows - first));
        work(slice_);
    }
}

double Network::loss(std::span<const float> parameters, const Batch& batch) {
    double sum = 0;
    each_slice(batch, [&](Activations& slice) {
        forward(parameters.data(), slice, Keep::nothing);
        sum += score_gradients(slice, 0);
    });
    return sum / (static_cast<double>(batch.rows) * config_.context);
}

double Network::gradient(std::span<const float> parameters, const Batch& batch,
                         std::span<float> out) {
    std::fill(out.begin(), out.end(), 0.0f);
    const double tokens = static_cast<double>(batch.rows) * config_.context;
    double sum = 0;
    each_slice(batch, [&](Activations& slice) {
        forward(parameters.data(), slice, Keep::activations);
        sum += score_gradients(slice, static_cast<float>(1 / tokens));
        backward(parameters.data(), slice, out.data());
    });
    return sum / tokens;
}

void Network::next_token_logits(std::span<const float> parameters, std::span<const Token> tokens,
                                std::span<float> out) {
    slice_.rows = 1;
    slice_.length = tokens.size();
    slice_.tokens.assign(tokens.begin(), tokens.end());
    forward(parameters.data(), slice_, Keep::nothing);
    std::copy_n(slice_.scores.data() + (slice_.size() - 1) * vocabulary_, vocabulary_, out.begin());
}

void Network::norms(const float* x, const float* weight, std::size_t tokens, float* out,
                    float* scales) const {
    for (std::size_t i = 0; i < tokens; ++i)
        scales[i] =
            kernels_.rms_norm(x + i * width_, weight, out + i * width_, width_, kNormEpsilon);
}

void Network::rotate(const Activations& at, float* query_key_value, bool back) const {
    const std::size_t half = head_ / 2;
    const auto turn = back ? kernels_.rotate_back : kernels_.rotate;
    for (std::size_t i = 0; i < at.size(); ++i) {
        const std::size_t angle = i % at.length * half;
        // Queries, then keys: twice as many heads.
        for (std::size_t start = 0; start < 2 * width_; start += head_)
            turn(query_key_value + i * 3 * width_ + start, &cosines_[angle], &sines_[angle], half);
    }
}

void Network::forward(const float* parameters, Activations& at, Keep keep) {
    const std::size_t tokens = at.size(), wanted = keep == Keep::nothing ? 1 : range_.layers;
    if (at.layers.size() < wanted) at.layers.resize(wanted);
    float* stream = at_least(at.stream, tokens * width_);
    for (std::size_t i = 0; is_first() && i < tokens; ++i)
        std::copy_n(parameters + at.tokens[i] * width_, width_, stream + i * width_);
    for (std::size_t i = 0; i < range_.layers; ++i) {
        auto& layer = at.layers[keep == Keep::nothing ? 0 : i];
        attention_forward(parameters, i, at, layer);
        feed_forward(parameters, i, at, layer);
    }
    if (!is_last()) return;
    norms(stream, parameters + final_norm_, tokens, at_least(at.normed, tokens * width_),
          at_least(at.scale, tokens));
    multiply_transposed({.rows = tokens, .columns = vocabulary_, .inner = width_},
                        {at.normed.data(), width_}, {parameters + output_head_, width_},
                        {at_least(at.scores, tokens * vocabulary_), vocabulary_});
}

// stream += output(attention(norm(stream)))
void Network::attention_forward(const float* parameters, std::size_t index, Activations& at,
                                Layer& layer) {
    const auto& offsets = offsets_[index];
    const std::size_t tokens = at.size(), length = at.length;
    std::copy_n(at.stream.data(), tokens * width_, at_least(layer.input, tokens * width_));
    norms(layer.input.data(), parameters + offsets.attention_norm, tokens,
          at_least(layer.normed_input, tokens * width_), at_least(layer.input_scale, tokens));
    float* qkv = at_least(layer.query_key_value, tokens * 3 * width_);
    multiply_transposed({.rows = tokens, .columns = 3 * width_, .inner = width_},
                        {layer.normed_input.data(), width_},
                        {parameters + offsets.query_key_value, width_}, {qkv, 3 * width_});
    rotate(at, qkv, false);

    float* shares = at_least(layer.shares, at.rows * config_.heads * length * length);
    float* mixed = at_least(layer.mixed, tokens * width_);
    const float scale = 1 / std::sqrt(static_cast<float>(head_));
    for (std::size_t row = 0; row < at.rows; ++row)
        for (std::size_t start = 0; start < width_; start += head_, shares += length * length) {
            const float* query = qkv + row * length * 3 * width_ + start;
            multiply_transposed({.rows = length, .columns = length, .inner = head_},
                                {query, 3 * width_}, {query + width_, 3 * width_},
                                {shares, length});
            for (std::size_t t = 0; t < length; ++t) {
                kernels_.softmax(shares + t * length, t + 1, scale);
                std::fill(shares + t * length + t + 1, shares + (t + 1) * length, 0.0f);
            }
            multiply({.rows = length, .columns = head_, .inner = length}, {shares, length},
                     {query + 2 * width_, 3 * width_},
                     {mixed + row * length * width_ + start, width_});
        }
    multiply_transposed({.rows = tokens, .columns = width_, .inner = width_, .into = Into::add},
                        {mixed, width_}, {parameters + offsets.output, width_},
                        {at.stream.data(), width_});
}

// stream += down(silu(gate(norm(stream))) * up(norm(stream)))
void Network::feed_forward(const float* parameters, std::size_t index, Activations& at,
                           Layer& layer) {
    const auto& offsets = offsets_[index];
    const std::size_t tokens = at.size();
    std::copy_n(at.stream.data(), tokens * width_, at_least(layer.middle, tokens * width_));
    norms(layer.middle.data(), parameters + offsets.feed_forward_norm, tokens,
          at_least(layer.normed_middle, tokens * width_), at_least(layer.middle_scale, tokens));
    float* gate_up = at_least(layer.gate_up, tokens * 2 * hidden_);
    multiply_transposed({.rows = tokens, .columns = 2 * hidden_, .inner = width_},
                        {layer.normed_middle.data(), width_},
                        {parameters + offsets.gate_up, width_}, {gate_up, 2 * hidden_});
    float* hidden = at_least(layer.hidden, tokens * hidden_);
    for (std::size_t i = 0; i < tokens; ++i) {
        const float* gate = gate_up + i * 2 * hidden_;
        kernels_.swiglu(gate, gate + hidden_, hidden + i * hidden_, hidden_);
    }
    multiply_transposed({.rows = tokens, .columns = width_, .inner = hidden_, .into = Into::add},
                        {hidden, hidden_}, {parameters + offsets.down, hidden_},
                        {at.stream.data(), width_});
}

double Network::score_gradients(Activations& at, float scale) {
    double sum = 0;
    for (std::size_t i = 0; i < at.size(); ++i)
        sum += static_cast<double>(kernels_.cross_entropy(at.scores.data() + i * vocabulary_,
                                                          vocabulary_, at.answers[i], scale));
    return sum;
}

}  // namespace mutirao::model::nano
