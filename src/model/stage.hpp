// A GPT cut into stages for pipeline parallelism (Huang et al. 2019, arXiv 1811.06965; Narayanan et
// al. 2021, arXiv 2104.04473): embedding and first layers | middle layers | last layers and output
// head. Each stage is a model's part with a flat list of its own parameters and its own inner
// optimizer; only activations go forward between stages and their gradients back.
//
// With activations in float32, and micro-batches of nano::kSliceTokens tokens, gradients and steps
// equal the whole model's bit for bit; with any micro-batches they equal those of one stage.
#pragma once

#include <memory>

#include "model/backend.hpp"

namespace mutirao::model {

struct StageRange {
    std::uint32_t first = 0;   // layer
    std::uint32_t layers = 0;  // at least 1

    bool operator==(const StageRange&) const = default;
};

// As equal numbers of layers as can be. invalid_argument unless there are 1 to config.layers.
Result<std::vector<StageRange>> cut_into_stages(const GptConfig& config, std::uint32_t stages);

// A stage's parameters are one piece of the whole model's flat list.
struct StageSlice {
    std::size_t offset = 0, size = 0;

    bool operator==(const StageSlice&) const = default;
};
StageSlice stage_slice(const GptConfig& config, const StageRange& range);
// Offsets count from the stage's first parameter.
std::vector<Parameter> stage_layout(const GptConfig& config, const StageRange& range);

// A step: begin_step(), then forward() and backward() of each micro-batch once, in any order that
// has a micro-batch's backward() after its forward() and keeps the order of numbers in each
// direction, then step(). What is kept between the two is bounded by the schedule
// (train/pipeline.hpp), not here. One thread at a time. Errors as Model's; invalid_argument when
// calls come in another order.
class Stage {
  public:
    virtual ~Stage() = default;
    virtual const StageRange& range() const = 0;
    virtual std::size_t parameter_count() const = 0;
    // Copies, in stage_layout() order. Setting leaves the optimizer's state as it is.
    virtual Status get_parameters(std::span<float> out) const = 0;
    virtual Status set_parameters(std::span<const float> in) = 0;
    // The inner optimizer's, as Model's.
    virtual OptimizerState optimizer_state() const = 0;
    virtual Status set_optimizer_state(const OptimizerState& state) = 0;

    // Forgets what is in flight and the gradient. `rows` of the whole batch share the mean loss.
    virtual Status begin_step(std::uint32_t rows) = 0;
    // `in` and `out` are [rows * context, width]; the first stage has no `in`, the last no `out`.
    // The tokens matter to these two only. Returns the sum of the losses in nats; 0 unless last.
    virtual Result<double> forward(std::uint32_t micro_batch, const Batch& batch,
                                   std::span<const float> in, std::span<float> out) = 0;
    // `in` is the gradient of forward's `out`, `out` becomes that of its `in`.
    virtual Status backward(std::uint32_t micro_batch, std::span<const float> in,
                            std::span<float> out) = 0;
    // The gradient so far, as parameters lie.
    virtual Status get_gradient(std::span<float> out) const = 0;
    // Of this stage's gradient, added to that of the stages behind it: the first stage's answer is
    // the whole model's, and what step() needs to clip.
    virtual double square_sum(double later_stages) const = 0;
    virtual Status step(double whole_square_sum, float learning_rate) = 0;
};

// On the nano backend, with `parameters` in stage_layout() order.
Result<std::unique_ptr<Stage>> make_nano_stage(const GptConfig& config, const StageRange& range,
                                               const OptimizerSettings& settings,
                                               std::span<const float> parameters);

}  // namespace mutirao::model
