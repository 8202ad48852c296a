#include <algorithm>
#include <cmath>
#include <new>

#include "model/backend_checks.hpp"
#include "model/flush_denormals.hpp"
#include "model/nano/blas.hpp"
#include "model/nano/classifier.hpp"
#include "model/nano/network.hpp"
#include "model/nano/optimizer.hpp"
#include "model/nano_backend.hpp"

namespace mutirao::model::nano {

namespace {

template <class Work>
auto guarded(Work work) -> decltype(work()) {
    const FlushDenormals flush;
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return Error{ErrorKind::resource_exhausted, "nano: not enough memory"};
    }
}

// `Net` computes loss and gradient from parameters and examples.
template <class Net>
class NanoModel final : public Model {
  public:
    NanoModel(const ModelConfig& config, Net network, const OptimizerSettings& settings,
              std::span<const float> parameters)
        : config_(config),
          parameters_(parameters.begin(), parameters.end()),
          gradient_(parameters.size()),
          network_(std::move(network)),
          optimizer_(settings, parameter_layout(config), best_kernels()) {}

    const ModelConfig& config() const override { return config_; }
    std::size_t parameter_count() const override { return parameters_.size(); }

    Status get_parameters(std::span<float> out) const override {
        if (out.size() != parameters_.size())
            return wrong_size("the list", out.size(), parameters_.size());
        std::copy(parameters_.begin(), parameters_.end(), out.begin());
        return {};
    }

    Status set_parameters(std::span<const float> in) override {
        if (in.size() != parameters_.size())
            return wrong_size("the list", in.size(), parameters_.size());
        std::copy(in.begin(), in.end(), parameters_.begin());
        return {};
    }

    Result<OptimizerState> optimizer_state() const override {
        return guarded([&]() -> Result<OptimizerState> { return optimizer_.state(); });
    }

    Status set_optimizer_state(const OptimizerState& state) override {
        if (optimizer_.set_state(state)) return {};
        return wrong_size("the optimizer's state", state.moments.size(), 2 * parameters_.size());
    }

    Result<float> train_step(const Batch& batch, float learning_rate) override {
        TRY_VOID(check_batch(config_, batch));
        return guarded([&]() -> Result<float> {
            const auto value = static_cast<float>(network_.gradient(parameters_, batch, gradient_));
            if (!std::isfinite(value))
                return Error{ErrorKind::corrupt, "training diverged: the loss is not finite"};
            optimizer_.step(parameters_, gradient_, learning_rate);
            return value;
        });
    }

    Result<float> loss(const Batch& batch) override {
        TRY_VOID(check_batch(config_, batch));
        return guarded([&]() -> Result<float> {
            return static_cast<float>(network_.loss(parameters_, batch));
        });
    }

    Result<float> gradient(const Batch& batch, std::span<float> out) override {
        TRY_VOID(check_batch(config_, batch));
        if (out.size() != parameters_.size())
            return wrong_size("the list", out.size(), parameters_.size());
        return guarded([&]() -> Result<float> {
            return static_cast<float>(network_.gradient(parameters_, batch, out));
        });
    }

    Status next_token_logits(std::span<const Token> tokens, std::span<float> out) override {
        if constexpr (std::is_same_v<Net, Network>) {
            TRY(const auto window, window_of(*config_.gpt(), tokens));
            if (out.size() != config_.gpt()->vocabulary)
                return wrong_size("the list of scores", out.size(), config_.gpt()->vocabulary);
            return guarded([&]() -> Status {
                network_.next_token_logits(parameters_, window, out);
                return {};
            });
        }
        return Model::next_token_logits(tokens, out);
    }

    Status scores(const Batch& batch, std::span<float> out) override {
        if constexpr (std::is_same_v<Net, Classifier>) {
            TRY_VOID(check_batch(config_, batch));
            const std::size_t wanted = batch.rows * network_.outputs();
            if (out.size() != wanted) return wrong_size("the list of scores", out.size(), wanted);
            return guarded([&]() -> Status {
                network_.scores(parameters_, batch, out);
                return {};
            });
        }
        return Model::scores(batch, out);
    }

  private:
    const ModelConfig config_;
    std::vector<float> parameters_, gradient_;
    Net network_;
    InnerOptimizer optimizer_;
};

class NanoBackend final : public Backend {
  public:
    NanoBackend() : name_(std::string("nano ") + best_kernels().name) {}
    std::string_view name() const override { return name_; }

    Result<std::unique_ptr<Model>> create(const ModelConfig& config,
                                          const OptimizerSettings& settings,
                                          std::span<const float> parameters) override {
        TRY_VOID(check_parameters(config, parameters.size()));
        TRY_VOID(open_blas());
        return guarded([&]() -> Result<std::unique_ptr<Model>> {
            if (const auto* gpt = config.gpt())
                return std::unique_ptr<Model>(std::make_unique<NanoModel<Network>>(
                    config, Network(*gpt, {0, gpt->layers}, best_kernels()), settings, parameters));
            return std::unique_ptr<Model>(std::make_unique<NanoModel<Classifier>>(
                config, Classifier(config, best_kernels()), settings, parameters));
        });
    }

  private:
    const std::string name_;
};

}  // namespace

}  // namespace mutirao::model::nano

namespace mutirao::model {

std::unique_ptr<Backend> make_nano_backend() { return std::make_unique<nano::NanoBackend>(); }

}  // namespace mutirao::model
