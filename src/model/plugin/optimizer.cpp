#include "model/plugin/optimizer.hpp"

#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <cmath>

namespace mutirao::model::plugin {

namespace {

constexpr int kNewtonSchulzSteps = 5;
constexpr double kMuonScale = 0.2;

// An approximately orthogonal matrix with the singular vectors of `gradient`: the quintic
// Newton-Schulz iteration with the coefficients of Jordan 2024 ("Muon: an optimizer for hidden
// layers in neural networks"), which bring singular values near 1 instead of exactly to it.
at::Tensor orthogonalized(const at::Tensor& gradient) {
    constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
    const bool tall = gradient.size(0) > gradient.size(1);
    auto x = tall ? gradient.t() : gradient;
    x = x / (x.norm() + 1e-7);
    for (int i = 0; i < kNewtonSchulzSteps; ++i) {
        const auto square = at::mm(x, x.t());
        const auto polynomial = at::addmm(square, square, square, b, c);
        x = at::addmm(x, polynomial, x, a);
    }
    return tall ? x.t() : x;
}

bool is_hidden_matrix(const Parameter& parameter) {
    return parameter.shape.size() == 2 && parameter.name.starts_with("model.layers.");
}

void clip(std::vector<at::Tensor>& gradients, float norm_max) {
    double square = 0;
    for (const auto& gradient : gradients) square += gradient.square().sum().item<double>();
    const double norm = std::sqrt(square);
    if (norm <= norm_max) return;
    for (auto& gradient : gradients) gradient.mul_(norm_max / norm);
}

// How libtorch names a parameter's state.
std::string key_of(const at::Tensor& parameter) {
    return c10::guts::to_string(parameter.unsafeGetTensorImpl());
}

void copy_out(const at::Tensor& tensor, float* to) {
    const auto dense = tensor.contiguous();
    std::copy_n(dense.data_ptr<float>(), dense.numel(), to);
}

at::Tensor copied(const float* from, const at::Tensor& like) {
    auto out = at::empty_like(like, at::MemoryFormat::Contiguous);
    std::copy_n(from, out.numel(), out.data_ptr<float>());
    return out;
}

}  // namespace

InnerOptimizer::InnerOptimizer(const OptimizerSettings& settings,
                               const std::vector<Parameter>& layout,
                               const std::vector<at::Tensor>& parameters)
    : settings_(settings), layout_(layout), parameters_(parameters) {
    std::vector<at::Tensor> decayed, plain;
    for (std::size_t i = 0; i < layout.size(); ++i) {
        if (settings.optimizer == Optimizer::muon && is_hidden_matrix(layout[i])) {
            hidden_.push_back({i, at::zeros_like(parameters[i])});
            continue;
        }
        other_.push_back(i);
        (layout[i].shape.size() == 2 ? decayed : plain).push_back(parameters[i]);
    }
    auto options = [&](double decay) {
        auto made = std::make_unique<torch::optim::AdamWOptions>();
        made->betas({settings.beta1, settings.beta2}).eps(settings.epsilon).weight_decay(decay);
        return made;
    };
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(decayed, options(settings.weight_decay));
    groups.emplace_back(plain, options(0));
    adamw_ = std::make_unique<torch::optim::AdamW>(groups);
}

void InnerOptimizer::step(std::vector<at::Tensor> gradients, float learning_rate) {
    ++steps_;
    if (settings_.clip_norm > 0) clip(gradients, settings_.clip_norm);
    for (const auto index : other_) parameters_[index].mutable_grad() = gradients[index];
    for (auto& group : adamw_->param_groups()) group.options().set_lr(learning_rate);
    adamw_->step();
    for (const auto index : other_) parameters_[index].mutable_grad() = at::Tensor();
    muon_step(gradients, learning_rate);
}

void InnerOptimizer::muon_step(const std::vector<at::Tensor>& gradients, float learning_rate) {
    const at::NoGradGuard no_graph;
    const double mu = settings_.muon_momentum;
    for (auto& [index, momentum] : hidden_) {
        auto& parameter = parameters_[index];
        momentum.mul_(mu).add_(gradients[index]);
        const auto update = orthogonalized(at::add(gradients[index], momentum, mu));
        const auto longest = std::max(parameter.size(0), parameter.size(1));
        const double scale = kMuonScale * std::sqrt(static_cast<double>(longest));
        parameter.mul_(1 - static_cast<double>(learning_rate) * settings_.weight_decay);
        parameter.add_(update, -learning_rate * scale);
    }
}

OptimizerState InnerOptimizer::state() const {
    const auto size = layout_.back().offset + layout_.back().size;
    OptimizerState out{steps_, std::vector<float>(2 * size)};
    float* const first = out.moments.data();
    for (const auto& [index, momentum] : hidden_) copy_out(momentum, first + layout_[index].offset);
    for (const auto index : other_) {
        const auto found = adamw_->state().find(key_of(parameters_[index]));
        if (found == adamw_->state().end()) continue;  // before the first step
        const auto& adam = static_cast<const torch::optim::AdamWParamState&>(*found->second);
        copy_out(adam.exp_avg(), first + layout_[index].offset);
        copy_out(adam.exp_avg_sq(), first + size + layout_[index].offset);
    }
    return out;
}

bool InnerOptimizer::set_state(const OptimizerState& state) {
    const auto size = layout_.back().offset + layout_.back().size;
    if (state.moments.size() != 2 * size) return false;
    const at::NoGradGuard no_graph;
    const float* const first = state.moments.data();
    for (auto& [index, momentum] : hidden_)
        momentum = copied(first + layout_[index].offset, parameters_[index].detach());
    for (const auto index : other_) {
        const auto like = parameters_[index].detach();
        auto adam = std::make_unique<torch::optim::AdamWParamState>();
        adam->step(static_cast<std::int64_t>(state.steps));
        adam->exp_avg(copied(first + layout_[index].offset, like));
        adam->exp_avg_sq(copied(first + size + layout_[index].offset, like));
        adamw_->state()[key_of(parameters_[index])] = std::move(adam);
    }
    steps_ = state.steps;
    return true;
}

}  // namespace mutirao::model::plugin
