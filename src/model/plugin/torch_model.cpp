// libtorch behind model::Backend. Exceptions of torch end in guarded().
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <cmath>
#include <new>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include "model/plugin/entry.hpp"
#include "model/plugin/network.hpp"
#include "model/plugin/optimizer.hpp"
#include "model/torch_backend.hpp"

namespace mutirao::model::plugin {

namespace {

template <class Work>
auto guarded(Work work) -> decltype(work()) {
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

Error wrong_size(const char* what, std::uint64_t got, std::uint64_t wanted) {
    return {ErrorKind::invalid_argument, std::string(what) + " has " + std::to_string(got) +
                                             " values, not " + std::to_string(wanted)};
}

class TorchModel final : public Model {
  public:
    TorchModel(const GptConfig& config, const OptimizerSettings& settings,
               std::span<const float> parameters)
        : config_(config),
          layout_(parameter_layout(config)),
          flat_(parameters.begin(), parameters.end()),
          tensors_(leaves()),
          network_(config),
          optimizer_(settings, layout_, tensors_) {}

    const GptConfig& config() const override { return config_; }
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

    Result<float> train_step(const Batch& batch, float learning_rate) override {
        TRY_VOID(check(batch));
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
        TRY_VOID(check(batch));
        return guarded([&]() -> Result<float> {
            const at::NoGradGuard no_graph;
            return batch_loss(batch).item<float>();
        });
    }

    Result<float> gradient(const Batch& batch, std::span<float> out) override {
        TRY_VOID(check(batch));
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

    Status next_byte_logits(ByteSpan text, std::span<float, kVocabulary> out) override {
        static constexpr std::uint8_t kLineFeed[] = {'\n'};
        if (text.empty()) text = kLineFeed;
        text = text.last(std::min<std::size_t>(text.size(), config_.context));
        return guarded([&]() -> Status {
            const at::NoGradGuard no_graph;
            const auto tokens = indexes(text).view({1, -1});
            const auto scores = network_.logits(tensors_, tokens).select(1, -1).contiguous();
            std::copy_n(scores.data_ptr<float>(), kVocabulary, out.begin());
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

    Status check(const Batch& batch) const {
        if (batch.rows == 0 || batch.rows > kBatchRowsMax)
            return Error{ErrorKind::invalid_argument, "a batch of " + std::to_string(batch.rows) +
                                                          " rows, not 1 to " +
                                                          std::to_string(kBatchRowsMax)};
        const std::uint64_t wanted = std::uint64_t{batch.rows} * (config_.context + 1);
        if (batch.tokens.size() != wanted)
            return wrong_size("the batch", batch.tokens.size(), wanted);
        return {};
    }

    static at::Tensor indexes(ByteSpan bytes) {
        auto tokens = at::empty({static_cast<std::int64_t>(bytes.size())}, at::kLong);
        std::copy(bytes.begin(), bytes.end(), tokens.data_ptr<std::int64_t>());
        return tokens;
    }

    at::Tensor batch_loss(const Batch& batch) const {
        const auto length = static_cast<std::int64_t>(config_.context);
        const auto windows = indexes(batch.tokens).view({batch.rows, length + 1});
        return network_.loss(tensors_, windows.slice(1, 0, length),
                             windows.slice(1, 1, length + 1));
    }

    GptConfig config_;
    std::vector<Parameter> layout_;
    std::vector<float> flat_;
    std::vector<at::Tensor> tensors_;
    Network network_;
    InnerOptimizer optimizer_;
};

class TorchBackend final : public Backend {
  public:
    std::string_view name() const override { return "libtorch " TORCH_VERSION; }

    Result<std::unique_ptr<Model>> create(const GptConfig& config,
                                          const OptimizerSettings& settings,
                                          std::span<const float> parameters) override {
        TRY_VOID(config.validate());
        if (parameters.size() != config.parameter_count())
            return wrong_size("the list of parameters", parameters.size(),
                              config.parameter_count());
        return guarded([&]() -> Result<std::unique_ptr<Model>> {
            return std::unique_ptr<Model>(
                std::make_unique<TorchModel>(config, settings, parameters));
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
