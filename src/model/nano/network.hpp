// The GPT of config.hpp, forward and backward by hand, over one flat list of parameters.
//
// Activations are kept for a slice of the batch at a time, so that memory does not grow with the
// batch: about 4 * layers * (10 * width + 3 * feed-forward + heads * context) bytes a token, at
// most kSliceTokens tokens or one row. One thread at a time. Throws std::bad_alloc.
#pragma once

#include <span>
#include <vector>

#include "model/backend.hpp"
#include "model/nano/kernel.hpp"
#include "model/nano/matrix.hpp"

namespace mutirao::model::nano {

inline constexpr std::size_t kSliceTokens = 2048;

// Memory only grows: a slice as large as the last one allocates nothing.
inline float* at_least(std::vector<float>& list, std::size_t size) {
    if (list.size() < size) list.resize(size);
    return list.data();
}

class Network {
  public:
    Network(const GptConfig& config, const Kernels& kernels);

    // Mean cross-entropy in nats; sizes are the caller's to check.
    double loss(std::span<const float> parameters, const Batch& batch);
    // The same, and its gradient, which overwrites `out`.
    double gradient(std::span<const float> parameters, const Batch& batch, std::span<float> out);
    // Scores after the last of 1 to context tokens.
    void next_byte_logits(std::span<const float> parameters, ByteSpan tokens,
                          std::span<float, kVocabulary> out);

  private:
    // Where a layer's parameters lie in the flat list; query, key and value are one matrix, and so
    // are gate and up.
    struct LayerOffsets {
        std::size_t attention_norm, query_key_value, output, feed_forward_norm, gate_up, down;
    };
    // What a layer's backward pass needs of its forward pass. [tokens, ...] each.
    struct Layer {
        std::vector<float> input, normed_input, input_scale;     // scale: 1 / root mean square
        std::vector<float> query_key_value, shares, mixed;       // shares: [row, head, T, T]
        std::vector<float> middle, normed_middle, middle_scale;  // after attention
        std::vector<float> gate_up, hidden;
    };
    // Rows of equal length, their tokens and, for a loss, answers.
    struct Slice {
        std::size_t rows, length;
        std::vector<std::uint8_t> tokens, answers;
        std::size_t size() const { return rows * length; }
    };
    enum class Keep : std::uint8_t { nothing, activations };

    template <class Work>
    void each_slice(const Batch& batch, Work work);
    void forward(const float* parameters, const Slice& slice, Keep keep);
    void attention_forward(const float* parameters, std::size_t index, const Slice& slice,
                           Layer& layer);
    void feed_forward(const float* parameters, std::size_t index, const Slice& slice, Layer& layer);
    // Scores become their gradients times `scale`; returns the sum of the losses.
    double score_gradients(const Slice& slice, float scale);
    void backward(const float* parameters, const Slice& slice, float* gradient);
    void feed_forward_backward(const float* parameters, std::size_t index, const Slice& slice,
                               float* gradient);
    void attention_backward(const float* parameters, std::size_t index, const Slice& slice,
                            float* gradient);
    void mixing_backward(const Slice& slice, const Layer& layer);
    void rotate(const Slice& slice, float* query_key_value, bool back) const;
    void norms(const float* x, const float* weight, std::size_t tokens, float* out,
               float* scales) const;
    void norms_backward(const std::vector<float>& x, const std::vector<float>& scales,
                        const float* weight, std::size_t tokens, float* dweight);

    const GptConfig config_;
    const Kernels& kernels_;
    const std::size_t width_, hidden_, head_;
    std::vector<LayerOffsets> offsets_;
    std::size_t final_norm_ = 0, output_head_ = 0;
    std::vector<float> cosines_, sines_;  // [context, head / 2]
    std::vector<Layer> layers_;           // one is enough while nothing is kept
    std::vector<float> stream_, normed_, scale_, scores_;
    std::vector<float> dstream_, dnormed_, dqkv_, dmixed_, dgate_up_, dhidden_, dshares_;
};

}  // namespace mutirao::model::nano
