// libtorch behind model::Backend. Exceptions of torch end in guarded().
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <cmath>
#include <new>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include "model/backend_checks.hpp"
#include "model/flush_denormals.hpp"
#include "model/plugin/entry.hpp"
#include "model/plugin/network.hpp"
#include "model/plugin/optimizer.hpp"
#include "model/torch_backend.hpp"

namespace mutirao::model::plugin {

namespace {

template <class Work>
auto guarded(Work work) -> decltype(work()) {
    const FlushDenormals flush;
    try {
        return work();
    } catch (const c10::Error& error) {
        return Error{ErrorKind::io, std::string("libtorch: ") + error.what_without_backtrace()};
    } catch (const std::bad_alloc&) {
        return Error{ErrorKind::resource_exhausted, "libtorch: not enough memory"};
    } catch (const std::exception& error) {
        return Error{ErrorKind::io, std::string("libtorch: ") + error.what()};
    }
}

class TorchModel final : public Model {
  public:
    TorchModel(const GptConfig& config, const OptimizerSettings& settings,
               std::span<const float> parameters)
        : config_(config),
          shape_(config),
          layout_(parameter_layout(config)),
          flat_(parameters.begin(), parameters.end()),
          tensors_(leaves()),
          network_(config),
          optimizer_(settings, layout_, tensors_) {}

    const ModelConfig& config() const override { return shape_; }
    std::size_t parameter_count() const override { return flat_.size(); }

    Status get_parameters(std::span<float> out) const override {
        if (out.size() != flat_.size()) return wrong_size("the list", out.size(), flat_.size());
        std::copy(flat_.begin(), flat_.end(), out.begin());
        return {};
    }

    Status set_parameters(std::span<const float> in) override {
        if (in.size() != flat_.size()) return wrong_size("the list", in.size(), flat_.size());
        std::copy(in.begin(), in.end(), flat_.begin());
        return {};
    }

    Result<OptimizerState> optimizer_state() const override {
        return guarded([&]() -> Result<OptimizerState> { return optimizer_.state(); });
    }

    Status set_optimizer_state(const OptimizerState& state) override {
        return guarded([&]() -> Status {
            if (optimizer_.set_state(state)) return {};
            return wrong_size("the optimizer's state", state.moments.size(), 2 * flat_.size());
        });
    }

    Result<float> train_step(const Batch& batch, float learning_rate) override {
        TRY_VOID(check_batch(shape_, batch));
        return guarded([&]() -> Result<float> {
            const auto loss = batch_loss(batch);
            const float value = loss.item<float>();
            if (!std::isfinite(value))
                return Error{ErrorKind::corrupt, "training diverged: the loss is not finite"};
            optimizer_.step(torch::autograd::grad({loss}, tensors_), learning_rate);
            return value;
        });
    }

    Result<float> loss(const Batch& batch) override {
        TRY_VOID(check_batch(shape_, batch));
        return guarded([&]() -> Result<float> {
            const at::NoGradGuard no_graph;
            return batch_loss(batch).item<float>();
        });
    }

    Result<float> gradient(const Batch& batch, std::span<float> out) override {
        TRY_VOID(check_batch(shape_, batch));
        if (out.size() != flat_.size()) return wrong_size("the list", out.size(), flat_.size());
        return guarded([&]() -> Result<float> {
            const auto loss = batch_loss(batch);
            const auto gradients = torch::autograd::grad({loss}, tensors_);
            for (std::size_t i = 0; i < layout_.size(); ++i) {
                const auto dense = gradients[i].contiguous();
                std::copy_n(dense.data_ptr<float>(), layout_[i].size,
                            out.begin() + static_cast<std::ptrdiff_t>(layout_[i].offset));
            }
            return loss.item<float>();
        });
    }

    Status next_token_logits(std::span<const Token> tokens, std::span<float> out) override {
        TRY(const auto window, window_of(config_, tokens));
        if (out.size() != config_.vocabulary)
            return wrong_size("the list of scores", out.size(), config_.vocabulary);
        return guarded([&]() -> Status {
            const at::NoGradGuard no_graph;
            const auto scores =
                network_.logits(tensors_, indexes(window).view({1, -1})).select(1, -1).contiguous();
            std::copy_n(scores.data_ptr<float>(), out.size(), out.begin());
            return {};
        });
    }

  private:
    // Leaves of the autograd graph that share flat_'s memory, so that copying parameters in and out
    // is one copy.
    std::vector<at::Tensor> leaves() {
        std::vector<at::Tensor> tensors;
        for (const auto& parameter : layout_) {
            const std::vector<std::int64_t> shape(parameter.shape.begin(), parameter.shape.end());
            tensors.push_back(torch::from_blob(flat_.data() + parameter.offset, shape, at::kFloat)
                                  .set_requires_grad(true));
        }
        return tensors;
    }

    static at::Tensor indexes(std::span<const Token> tokens) {
        auto out = at::empty({static_cast<std::int64_t>(tokens.size())}, at::kLong);
        std::copy(tokens.begin(), tokens.end(), out.data_ptr<std::int64_t>());
        return out;
    }

    at::Tensor batch_loss(const Batch& batch) const {
        const auto length = static_cast<std::int64_t>(config_.context);
        const auto windows =
            indexes(tokens_of(config_, batch.tokens)).view({batch.rows, length + 1});
        return network_.loss(tensors_, windows.slice(1, 0, length),
                             windows.slice(1, 1, length + 1));
    }

    const GptConfig config_;
    const ModelConfig shape_;
    std::vector<Parameter> layout_;
    std::vector<float> flat_;
    std::vector<at::Tensor> tensors_;
    Network network_;
    InnerOptimizer optimizer_;
};

class TorchBackend final : public Backend {
  public:
    std::string_view name() const override { return "libtorch " TORCH_VERSION; }

    Result<std::unique_ptr<Model>> create(const ModelConfig& config,
                                          const OptimizerSettings& settings,
                                          std::span<const float> parameters) override {
        TRY_VOID(check_parameters(config, parameters.size()));
        const auto* gpt = config.gpt();
        if (!gpt)
            return Error{ErrorKind::unimplemented, "the libtorch backend has no model of kind " +
                                                       std::string(config.kind_name()) +
                                                       ": use --backend nano"};
        return guarded([&]() -> Result<std::unique_ptr<Model>> {
            return std::unique_ptr<Model>(std::make_unique<TorchModel>(*gpt, settings, parameters));
        });
    }
};

}  // namespace

}  // namespace mutirao::model::plugin

extern "C" __attribute__((visibility("default"))) mutirao::model::Backend* mutirao_torch_open(
    std::uint32_t abi) {
    if (abi != mutirao::model::kTorchPluginAbi) return nullptr;
    at::set_num_threads(1);
    return new mutirao::model::plugin::TorchBackend;
}
