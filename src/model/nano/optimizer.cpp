#include "model/nano/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "model/nano/matrix.hpp"

namespace mutirao::model::nano {

namespace {

constexpr int kNewtonSchulzSteps = 5;
constexpr float kMuonScale = 0.2f;

}  // namespace

InnerOptimizer::InnerOptimizer(const OptimizerSettings& settings, std::vector<Parameter> layout,
                               const Kernels& kernels)
    : settings_(settings), layout_(std::move(layout)), kernels_(kernels) {
    const std::size_t size = layout_.back().offset + layout_.back().size;
    first_.resize(size);
    second_.resize(size);
}

bool InnerOptimizer::is_muons(const Parameter& parameter) const {
    return settings_.optimizer == Optimizer::muon && parameter.shape.size() == 2 &&
           parameter.name.starts_with("model.layers.");
}

double InnerOptimizer::square_sum(std::span<const float> gradient, double later) const {
    for (auto parameter = layout_.rbegin(); parameter != layout_.rend(); ++parameter)
        later += kernels_.square_sum(gradient.data() + parameter->offset, parameter->size);
    return later;
}

void InnerOptimizer::step(std::span<float> parameters, std::span<const float> gradient,
                          float learning_rate, double whole_square_sum) {
    float scale = 1;
    if (settings_.clip_norm > 0) {
        const double norm = std::sqrt(whole_square_sum);
        if (norm > settings_.clip_norm) scale = static_cast<float>(settings_.clip_norm / norm);
    }
    ++steps_;
    const double times = static_cast<double>(steps_);
    const double first_correction = 1 - std::pow(static_cast<double>(settings_.beta1), times);
    const double second_correction = 1 - std::pow(static_cast<double>(settings_.beta2), times);
    for (const auto& parameter : layout_) {
        const float* part = gradient.data() + parameter.offset;
        if (is_muons(parameter)) {
            muon_step(parameter, parameters, part, scale, learning_rate);
            continue;
        }
        const float decay = parameter.shape.size() == 2 ? settings_.weight_decay : 0;
        const AdamStep step{.beta1 = settings_.beta1,
                            .beta2 = settings_.beta2,
                            .keep = 1 - learning_rate * decay,
                            .rate = static_cast<float>(learning_rate / first_correction),
                            .root_correction = static_cast<float>(std::sqrt(second_correction)),
                            .epsilon = settings_.epsilon};
        kernels_.adamw(parameters.data() + parameter.offset, first_.data() + parameter.offset,
                       second_.data() + parameter.offset, part, scale, step, parameter.size);
    }
}

OptimizerState InnerOptimizer::state() const {
    OptimizerState out{steps_, first_};
    out.moments.insert(out.moments.end(), second_.begin(), second_.end());
    return out;
}

bool InnerOptimizer::set_state(const OptimizerState& state) {
    if (state.moments.size() != first_.size() + second_.size()) return false;
    steps_ = state.steps;
    const auto middle = state.moments.begin() + static_cast<std::ptrdiff_t>(first_.size());
    first_.assign(state.moments.begin(), middle);
    second_.assign(middle, state.moments.end());
    return true;
}

void InnerOptimizer::muon_step(const Parameter& parameter, std::span<float> parameters,
                               const float* gradient, float scale, float learning_rate) {
    update_.resize(parameter.size);
    kernels_.nesterov(first_.data() + parameter.offset, gradient, scale, settings_.muon_momentum,
                      update_.data(), parameter.size);
    const std::size_t rows = parameter.shape[0], columns = parameter.shape[1];
    orthogonalize(rows, columns);
    const float longest = static_cast<float>(std::max(rows, columns));
    kernels_.decay_subtract(parameters.data() + parameter.offset, update_.data(),
                            1 - learning_rate * settings_.weight_decay,
                            learning_rate * kMuonScale * std::sqrt(longest), parameter.size);
}

// The quintic Newton-Schulz iteration with the coefficients of Jordan 2024. The square matrix is of
// the shorter side: x <- a x + (b s + c s^2) x with s = x x^T, or the same from the right.
void InnerOptimizer::orthogonalize(std::size_t rows, std::size_t columns) {
    constexpr float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    const std::size_t shorter = std::min(rows, columns), longer = std::max(rows, columns);
    const float norm =
        static_cast<float>(std::sqrt(kernels_.square_sum(update_.data(), update_.size())));
    const float scale = 1 / (norm + 1e-7f);
    next_.resize(update_.size());
    // A tall matrix is turned once on the way in and once on the way out.
    const bool tall = rows > columns;
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns; ++column)
            next_[tall ? column * rows + row : row * columns + column] =
                update_[row * columns + column] * scale;
    update_.swap(next_);
    square_.resize(shorter * shorter);
    for (int i = 0; i < kNewtonSchulzSteps; ++i) {
        multiply_by_own_transpose(shorter, longer, 1, {update_.data(), longer}, 0,
                                  {square_.data(), shorter});
        polynomial_ = square_;
        // square_ is symmetric, so its square is itself by its own transpose.
        multiply_by_own_transpose(shorter, shorter, c, {square_.data(), shorter}, b,
                                  {polynomial_.data(), shorter});
        for (std::size_t j = 0; j < shorter; ++j) polynomial_[j * shorter + j] += a;
        multiply({.rows = shorter, .columns = longer, .inner = shorter},
                 {polynomial_.data(), shorter}, {update_.data(), longer}, {next_.data(), longer});
        update_.swap(next_);
    }
    if (!tall) return;
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns; ++column)
            next_[row * columns + column] = update_[column * rows + row];
    update_.swap(next_);
}

}  // namespace mutirao::model::nano
