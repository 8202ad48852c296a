#include "model/nano/classifier.hpp"

#include <algorithm>

#include "model/backend_checks.hpp"
#include "model/nano/matrix.hpp"
#include "model/nano/network.hpp"

namespace mutirao::model::nano {

namespace {

constexpr std::size_t kSide = 3, kStride = 2;  // of a convolution; one row of zeros around
constexpr float kPixelMiddle = 128;

std::size_t halved(std::size_t side) { return (side + kStride - 1) / kStride; }

}  // namespace

Classifier::Classifier(const ModelConfig& config, const Kernels& kernels)
    : config_(config), kernels_(kernels) {
    if (const auto* image = config.image()) {
        std::size_t height = image->height, width = image->width, channels = image->channels;
        add_convolution(height, width, channels, image->filters);
        add_convolution(height, width, channels, 2 * std::size_t{image->filters});
        add_dense(height * width * channels, image->hidden);
        add_dense(image->hidden, image->classes);
    } else {
        const auto* table = config.table();
        ENSURE(table != nullptr);
        std::size_t inputs = table->features;
        for (std::uint32_t i = 0; i < table->layers; ++i) {
            add_dense(inputs, table->hidden);
            inputs = table->hidden;
        }
        add_dense(inputs, table->outputs);
    }
    ENSURE(parameters_ == config.parameter_count());
}

void Classifier::add_convolution(std::size_t& height, std::size_t& width, std::size_t& channels,
                                 std::size_t outputs) {
    Stage stage{};
    stage.height = height, stage.width = width, stage.channels = channels;
    stage.convolution = true;
    stage.rows = halved(height) * halved(width);
    stage.inputs = kSide * kSide * channels;
    stage.outputs = outputs;
    stages_.push_back(std::move(stage));
    place();
    height = halved(height), width = halved(width), channels = outputs;
}

void Classifier::add_dense(std::size_t inputs, std::size_t outputs) {
    Stage stage{};
    stage.height = stage.width = stage.rows = 1;
    stage.channels = stage.inputs = inputs;
    stage.outputs = outputs;
    stages_.push_back(std::move(stage));
    place();
}

void Classifier::place() {
    auto& stage = stages_.back();
    stage.weight = parameters_;
    stage.bias = stage.weight + stage.outputs * stage.inputs;
    parameters_ = stage.bias + stage.outputs;
}

template <class Work>
void Classifier::each_slice(const Batch& batch, Work work) {
    const std::size_t size = config_.example_size();
    for (std::size_t first = 0; first < batch.rows; first += kSliceExamples) {
        const std::size_t count = std::min<std::size_t>(kSliceExamples, batch.rows - first);
        read(batch.tokens.subspan(first * size, count * size), count);
        work(count);
    }
}

void Classifier::read(ByteSpan examples, std::size_t count) {
    const std::size_t inputs = stages_.front().input_size();
    input_.resize(count * inputs);
    answers_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        float* row = input_.data() + i * inputs;
        if (config_.image()) {
            const ByteSpan example = examples.subspan(i * (inputs + 1), inputs + 1);
            for (std::size_t j = 0; j < inputs; ++j)
                row[j] = (static_cast<float>(example[j]) - kPixelMiddle) / kPixelMiddle;
            answers_[i] = example[inputs];
        } else {
            for (std::size_t j = 0; j < inputs; ++j)
                row[j] = float_at(examples, i * (inputs + 1) + j);
            answers_[i] = float_at(examples, i * (inputs + 1) + inputs);
        }
    }
}

double Classifier::loss(std::span<const float> parameters, const Batch& batch) {
    double sum = 0;
    each_slice(batch, [&](std::size_t count) {
        forward(parameters.data(), count);
        sum += score_gradients(count, 0);
    });
    return sum / batch.rows;
}

double Classifier::gradient(std::span<const float> parameters, const Batch& batch,
                            std::span<float> out) {
    std::fill(out.begin(), out.end(), 0.0f);
    double sum = 0;
    each_slice(batch, [&](std::size_t count) {
        forward(parameters.data(), count);
        sum += score_gradients(count, 1 / static_cast<float>(batch.rows));
        backward(parameters.data(), count, out.data());
    });
    return sum / batch.rows;
}

void Classifier::scores(std::span<const float> parameters, const Batch& batch,
                        std::span<float> out) {
    auto* next = out.data();
    each_slice(batch, [&](std::size_t count) {
        forward(parameters.data(), count);
        next = std::copy_n(stages_.back().value.data(), count * outputs(), next);
    });
}

// The neighbourhood of each second pixel, in rows; outside of the picture everything is 0.
void Classifier::gather(Stage& stage, const float* input, std::size_t count) const {
    float* out = at_least(stage.gathered, count * stage.rows * stage.inputs);
    for (std::size_t i = 0; i < count; ++i, input += stage.input_size())
        for (std::size_t y = 0; y < stage.height; y += kStride)
            for (std::size_t x = 0; x < stage.width; x += kStride)
                for (std::size_t cell = 0; cell < kSide * kSide; ++cell, out += stage.channels) {
                    // Unsigned: one above or left of the picture is far beyond its other end.
                    const std::size_t row = y + cell / kSide - 1, column = x + cell % kSide - 1;
                    if (row < stage.height && column < stage.width)
                        std::copy_n(input + (row * stage.width + column) * stage.channels,
                                    stage.channels, out);
                    else
                        std::fill_n(out, stage.channels, 0.0f);
                }
}

void Classifier::scatter(const Stage& stage, const float* dgathered, float* dinput,
                         std::size_t count) const {
    std::fill_n(dinput, count * stage.input_size(), 0.0f);
    for (std::size_t i = 0; i < count; ++i, dinput += stage.input_size())
        for (std::size_t y = 0; y < stage.height; y += kStride)
            for (std::size_t x = 0; x < stage.width; x += kStride)
                for (std::size_t cell = 0; cell < kSide * kSide;
                     ++cell, dgathered += stage.channels) {
                    const std::size_t row = y + cell / kSide - 1, column = x + cell % kSide - 1;
                    if (row < stage.height && column < stage.width)
                        kernels_.add(dinput + (row * stage.width + column) * stage.channels,
                                     dgathered, stage.channels);
                }
}

void Classifier::forward(const float* parameters, std::size_t count) {
    const float* input = input_.data();
    for (auto& stage : stages_) {
        const std::size_t rows = count * stage.rows;
        if (stage.convolution)
            gather(stage, input, count);
        else
            std::copy_n(input, rows * stage.inputs, at_least(stage.gathered, rows * stage.inputs));
        float* value = at_least(stage.value, rows * stage.outputs);
        for (std::size_t i = 0; i < rows; ++i)
            std::copy_n(parameters + stage.bias, stage.outputs, value + i * stage.outputs);
        multiply_transposed(
            {.rows = rows, .columns = stage.outputs, .inner = stage.inputs, .into = Into::add},
            {stage.gathered.data(), stage.inputs}, {parameters + stage.weight, stage.inputs},
            {value, stage.outputs});
        if (&stage != &stages_.back())
            for (std::size_t i = 0; i < rows * stage.outputs; ++i)
                value[i] = std::max(value[i], 0.0f);
        input = value;
    }
}

double Classifier::score_gradients(std::size_t count, float scale) {
    float* scores = stages_.back().value.data();
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i, scores += outputs()) {
        if (outputs() > 1) {
            sum += static_cast<double>(kernels_.cross_entropy(
                scores, outputs(), static_cast<std::size_t>(answers_[i]), scale));
            continue;
        }
        const float error = scores[0] - answers_[i];
        sum += static_cast<double>(error) * static_cast<double>(error);
        scores[0] = 2 * error * scale;
    }
    return sum;
}

void Classifier::backward(const float* parameters, std::size_t count, float* gradient) {
    const auto& last = stages_.back();
    std::copy_n(last.value.data(), count * last.outputs, at_least(dvalue_, count * last.outputs));
    for (std::size_t index = stages_.size(); index-- > 0;) {
        auto& stage = stages_[index];
        const std::size_t rows = count * stage.rows;
        transposed_multiply(
            {.rows = stage.outputs, .columns = stage.inputs, .inner = rows, .into = Into::add},
            {dvalue_.data(), stage.outputs}, {stage.gathered.data(), stage.inputs},
            {gradient + stage.weight, stage.inputs});
        for (std::size_t i = 0; i < rows; ++i)
            kernels_.add(gradient + stage.bias, dvalue_.data() + i * stage.outputs, stage.outputs);
        if (index == 0) return;
        multiply({.rows = rows, .columns = stage.inputs, .inner = stage.outputs},
                 {dvalue_.data(), stage.outputs}, {parameters + stage.weight, stage.inputs},
                 {at_least(dgathered_, rows * stage.inputs), stage.inputs});
        const std::size_t inputs = count * stage.input_size();
        if (stage.convolution) {
            scatter(stage, dgathered_.data(), at_least(dinput_, inputs), count);
            dvalue_.swap(dinput_);
        } else {
            dvalue_.swap(dgathered_);
        }
        // Where ReLU gave 0, nothing comes back.
        const auto& before = stages_[index - 1].value;
        for (std::size_t i = 0; i < inputs; ++i)
            if (before[i] <= 0) dvalue_[i] = 0;
    }
}

}  // namespace mutirao::model::nano
