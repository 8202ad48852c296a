#include "model/nano/network.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mutirao::model::nano {

namespace {

constexpr float kNormEpsilon = 1e-5f;
constexpr double kRotaryBase = 10000;

}  // namespace

Network::Network(const GptConfig& config, const Kernels& kernels)
    : config_(config),
      kernels_(kernels),
      width_(config.width),
      hidden_(config.feed_forward_width()),
      head_(config.width / config.heads) {
    std::size_t at = kVocabulary * width_;
    auto take = [&](std::size_t size) { return std::exchange(at, at + size); };
    for (std::uint32_t i = 0; i < config.layers; ++i) {
        LayerOffsets offsets{};
        offsets.attention_norm = take(width_);
        offsets.query_key_value = take(3 * width_ * width_);
        offsets.output = take(width_ * width_);
        offsets.feed_forward_norm = take(width_);
        offsets.gate_up = take(2 * hidden_ * width_);
        offsets.down = take(width_ * hidden_);
        offsets_.push_back(offsets);
    }
    final_norm_ = take(width_);
    output_head_ = take(kVocabulary * width_);
    ENSURE(at == config.parameter_count());

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
    const std::size_t length = config_.context, window = length + 1;
    const std::size_t rows_at_once = std::max<std::size_t>(1, kSliceTokens / length);
    for (std::size_t first = 0; first < batch.rows; first += rows_at_once) {
        Slice slice{std::min<std::size_t>(rows_at_once, batch.rows - first), length, {}, {}};
        for (std::size_t row = first; row < first + slice.rows; ++row) {
            const auto bytes = batch.tokens.subspan(row * window, window);
            slice.tokens.insert(slice.tokens.end(), bytes.begin(), bytes.end() - 1);
            slice.answers.insert(slice.answers.end(), bytes.begin() + 1, bytes.end());
        }
        work(slice);
    }
}

double Network::loss(std::span<const float> parameters, const Batch& batch) {
    double sum = 0;
    each_slice(batch, [&](const Slice& slice) {
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
    each_slice(batch, [&](const Slice& slice) {
        forward(parameters.data(), slice, Keep::activations);
        sum += score_gradients(slice, static_cast<float>(1 / tokens));
        backward(parameters.data(), slice, out.data());
    });
    return sum / tokens;
}

void Network::next_byte_logits(std::span<const float> parameters, ByteSpan tokens,
                               std::span<float, kVocabulary> out) {
    const Slice slice{1, tokens.size(), {tokens.begin(), tokens.end()}, {}};
    forward(parameters.data(), slice, Keep::nothing);
    std::copy_n(scores_.data() + (slice.size() - 1) * kVocabulary, kVocabulary, out.begin());
}

void Network::norms(const float* x, const float* weight, std::size_t tokens, float* out,
                    float* scales) const {
    for (std::size_t i = 0; i < tokens; ++i)
        scales[i] =
            kernels_.rms_norm(x + i * width_, weight, out + i * width_, width_, kNormEpsilon);
}

void Network::rotate(const Slice& slice, float* query_key_value, bool back) const {
    const std::size_t half = head_ / 2;
    const auto turn = back ? kernels_.rotate_back : kernels_.rotate;
    for (std::size_t i = 0; i < slice.size(); ++i) {
        const std::size_t angle = i % slice.length * half;
        // Queries, then keys: twice as many heads.
        for (std::size_t start = 0; start < 2 * width_; start += head_)
            turn(query_key_value + i * 3 * width_ + start, &cosines_[angle], &sines_[angle], half);
    }
}

void Network::forward(const float* parameters, const Slice& slice, Keep keep) {
    const std::size_t tokens = slice.size(), wanted = keep == Keep::nothing ? 1 : config_.layers;
    if (layers_.size() < wanted) layers_.resize(wanted);
    float* stream = at_least(stream_, tokens * width_);
    for (std::size_t i = 0; i < tokens; ++i)
        std::copy_n(parameters + slice.tokens[i] * width_, width_, stream + i * width_);
    for (std::size_t i = 0; i < config_.layers; ++i) {
        auto& layer = layers_[keep == Keep::nothing ? 0 : i];
        attention_forward(parameters, i, slice, layer);
        feed_forward(parameters, i, slice, layer);
    }
    norms(stream, parameters + final_norm_, tokens, at_least(normed_, tokens * width_),
          at_least(scale_, tokens));
    multiply_transposed({.rows = tokens, .columns = kVocabulary, .inner = width_},
                        {normed_.data(), width_}, {parameters + output_head_, width_},
                        {at_least(scores_, tokens * kVocabulary), kVocabulary});
}

// stream_ += output(attention(norm(stream_)))
void Network::attention_forward(const float* parameters, std::size_t index, const Slice& slice,
                                Layer& layer) {
    const auto& offsets = offsets_[index];
    const std::size_t tokens = slice.size(), length = slice.length;
    std::copy_n(stream_.data(), tokens * width_, at_least(layer.input, tokens * width_));
    norms(layer.input.data(), parameters + offsets.attention_norm, tokens,
          at_least(layer.normed_input, tokens * width_), at_least(layer.input_scale, tokens));
    float* qkv = at_least(layer.query_key_value, tokens * 3 * width_);
    multiply_transposed({.rows = tokens, .columns = 3 * width_, .inner = width_},
                        {layer.normed_input.data(), width_},
                        {parameters + offsets.query_key_value, width_}, {qkv, 3 * width_});
    rotate(slice, qkv, false);

    float* shares = at_least(layer.shares, slice.rows * config_.heads * length * length);
    float* mixed = at_least(layer.mixed, tokens * width_);
    const float scale = 1 / std::sqrt(static_cast<float>(head_));
    for (std::size_t row = 0; row < slice.rows; ++row)
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
                        {stream_.data(), width_});
}

// stream_ += down(silu(gate(norm(stream_))) * up(norm(stream_)))
void Network::feed_forward(const float* parameters, std::size_t index, const Slice& slice,
                           Layer& layer) {
    const auto& offsets = offsets_[index];
    const std::size_t tokens = slice.size();
    std::copy_n(stream_.data(), tokens * width_, at_least(layer.middle, tokens * width_));
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
                        {stream_.data(), width_});
}

double Network::score_gradients(const Slice& slice, float scale) {
    double sum = 0;
    for (std::size_t i = 0; i < slice.size(); ++i)
        sum += static_cast<double>(kernels_.cross_entropy(scores_.data() + i * kVocabulary,
                                                          kVocabulary, slice.answers[i], scale));
    return sum;
}

}  // namespace mutirao::model::nano
