// The GPT of config.hpp or some of its layers (stage.hpp), forward and backward by hand, over one
// flat list of parameters.
//
// The whole network keeps activations for a slice of the batch at a time, so that memory does not
// grow with the batch: about 4 * layers * (10 * width + 3 * feed-forward + heads * context) bytes a
// token, at most kSliceTokens tokens or one row. One thread at a time. Throws std::bad_alloc.
#pragma once

#include <span>
#include <vector>

#include "model/backend.hpp"
#include "model/nano/kernel.hpp"
#include "model/nano/matrix.hpp"
#include "model/stage.hpp"

namespace mutirao::model::nano {

inline constexpr std::size_t kSliceTokens = 2048;

// Memory only grows: a slice as large as the last one allocates nothing.
inline float* at_least(std::vector<float>& list, std::size_t size) {
    if (list.size() < size) list.resize(size);
    return list.data();
}

// What the backward pass of some rows needs of their forward pass. [tokens, ...] each; lists may be
// longer than needed.
struct Activations {
    struct Layer {
        std::vector<float> input, normed_input, input_scale;     // scale: 1 / root mean square
        std::vector<float> query_key_value, shares, mixed;       // shares: [row, head, T, T]
        std::vector<float> middle, normed_middle, middle_scale;  // after attention
        std::vector<float> gate_up, hidden;
    };
    // Rows of equal length, their tokens and, for a loss, answers.
    std::size_t rows = 0, length = 0;
    std::vector<Token> tokens, answers;
    std::vector<Layer> layers;  // one is enough while nothing is kept
    std::vector<float> stream;  // what the layers read and add to: [tokens, width]
    std::vector<float> normed, scale, scores;

    std::size_t size() const { return rows * length; }
    void read(const GptConfig& config, const Batch& batch, std::size_t first_row,
              std::size_t row_count);
};

class Network {
  public:
    enum class Keep : std::uint8_t { nothing, activations };

    Network(const GptConfig& config, const StageRange& range, const Kernels& kernels);

    // Of a whole network.
    // Mean cross-entropy in nats; sizes are the caller's to check.
    double loss(std::span<const float> parameters, const Batch& batch);
    // The same, and its gradient, which overwrites `out`.
    double gradient(std::span<const float> parameters, const Batch& batch, std::span<float> out);
    // Scores after the last of 1 to context tokens.
    void next_token_logits(std::span<const float> parameters, std::span<const Token> tokens,
                           std::span<float> out);

    // From at.tokens in the first stage, else from at.stream, to at.scores in the last stage, else
    // to at.stream.
    void forward(const float* parameters, Activations& at, Keep keep);
    // Scores become their gradients times `scale`; returns the sum of the losses.
    double score_gradients(Activations& at, float scale);
    // From at.scores in the last stage, else from stream_gradient(); adds to `gradient`, and leaves
    // what goes to the stage before in stream_gradient().
    void backward(const float* parameters, const Activations& at, float* gradient);
    std::span<float> stream_gradient(std::size_t tokens) {
        return {at_least(dstream_, tokens * width_), tokens * width_};
    }
    bool is_first() const { return range_.first == 0; }
    bool is_last() const { return range_.first + range_.layers == config_.layers; }

  private:
    using Layer = Activations::Layer;
    // Where a layer's parameters lie in the flat list; query, key and value are one matrix, and so
    // are gate and up.
    struct LayerOffsets {
        std::size_t attention_norm, query_key_value, output, feed_forward_norm, gate_up, down;
    };

    template <class Work>
    void each_slice(const Batch& batch, Work work);
    void attention_forward(const float* parameters, std::size_t index, Activations& at,
                           Layer& layer);
    void feed_forward(const float* parameters, std::size_t index, Activations& at, Layer& layer);
    void feed_forward_backward(const float* parameters, std::size_t index, const Activations& at,
                               float* gradient);
    void attention_backward(const float* parameters, std::size_t index, const Activations& at,
                            float* gradient);
    void mixing_backward(const Activations& at, const Layer& layer);
    void rotate(const Activations& at, float* query_key_value, bool back) const;
    void norms(const float* x, const float* weight, std::size_t tokens, float* out,
               float* scales) const;
    void norms_backward(const std::vector<float>& x, const std::vector<float>& scales,
                        const float* weight, std::size_t tokens, float* dweight);

    const GptConfig config_;
    const StageRange range_;
    const Kernels& kernels_;
    const std::size_t width_, hidden_, head_, vocabulary_;
    std::vector<LayerOffsets> offsets_;  // of this stage's layers
    std::size_t final_norm_ = 0, output_head_ = 0;
    std::vector<float> cosines_, sines_;  // [context, head / 2]
    Activations slice_;
    std::vector<float> dstream_, dnormed_, dqkv_, dmixed_, dgate_up_, dhidden_, dshares_;
};

}  // namespace mutirao::model::nano
