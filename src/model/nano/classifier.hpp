// Image classifiers and tabular models: affine maps with ReLU between them, forward and backward by
// hand. A convolution is an affine map over the 3x3 neighbourhoods of a picture, gathered into rows
// (im2col), so both kinds are one list of stages.
//
// Activations are kept for kSliceExamples examples at a time. One thread at a time. Throws
// std::bad_alloc.
#pragma once

#include <span>
#include <vector>

#include "model/backend.hpp"
#include "model/nano/kernel.hpp"

namespace mutirao::model::nano {

inline constexpr std::size_t kSliceExamples = 64;

class Classifier {
  public:
    // `config` is valid, and of a picture's or a table's model.
    Classifier(const ModelConfig& config, const Kernels& kernels);

    // Mean loss; sizes and values are the caller's to check.
    double loss(std::span<const float> parameters, const Batch& batch);
    // The same, and its gradient, which overwrites `out`.
    double gradient(std::span<const float> parameters, const Batch& batch, std::span<float> out);
    // [rows, outputs] of the last stage.
    void scores(std::span<const float> parameters, const Batch& batch, std::span<float> out);
    std::size_t outputs() const { return stages_.back().outputs; }

  private:
    // What an affine map is applied to: each of `rows` rows of an example has `inputs` values. Of a
    // convolution they are gathered from [height, width, channels] with zeros around.
    struct Stage {
        std::size_t height, width, channels;
        bool convolution;
        std::size_t rows, inputs, outputs;
        std::size_t weight, bias;            // offsets in the flat list
        std::vector<float> gathered, value;  // [examples, rows, inputs], [examples, rows, outputs]
        std::size_t input_size() const { return height * width * channels; }
    };

    void add_convolution(std::size_t& height, std::size_t& width, std::size_t& channels,
                         std::size_t outputs);
    void add_dense(std::size_t inputs, std::size_t outputs);
    // Offsets of the stage that was added last.
    void place();
    template <class Work>
    void each_slice(const Batch& batch, Work work);
    // Fills input_ and answers_ from the slice's examples.
    void read(ByteSpan examples, std::size_t count);
    void forward(const float* parameters, std::size_t count);
    void gather(Stage& stage, const float* input, std::size_t count) const;
    void scatter(const Stage& stage, const float* dgathered, float* dinput,
                 std::size_t count) const;
    // Scores become their gradients times `scale`; returns the sum of the losses.
    double score_gradients(std::size_t count, float scale);
    void backward(const float* parameters, std::size_t count, float* gradient);

    const ModelConfig config_;
    const Kernels& kernels_;
    std::size_t parameters_ = 0;
    std::vector<Stage> stages_;
    std::vector<float> input_, answers_;
    std::vector<float> dvalue_, dgathered_, dinput_;
};

}  // namespace mutirao::model::nano
