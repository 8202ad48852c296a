#include <algorithm>
#include <cmath>
#include <new>

#include "model/nano/network.hpp"
#include "model/nano/optimizer.hpp"
#include "model/nano_backend.hpp"

namespace mutirao::model::nano {

namespace {

template <class Work>
auto guarded(Work work) -> decltype(work()) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return Error{ErrorKind::resource_exhausted, "nano: not enough memory"};
    }
}

Error wrong_size(const char* what, std::uint64_t got, std::uint64_t wanted) {
    return {ErrorKind::invalid_argument, std::string(what) + " has " + std::to_string(got) +
                                             " values, not " + std::to_string(wanted)};
}

class NanoModel final : public Model {
  public:
    NanoModel(const GptConfig& config, const OptimizerSettings& settings,
              std::span<const float> parameters)
        : config_(config),
          parameters_(parameters.begin(), parameters.end()),
          gradient_(parameters.size()),
          network_(config, best_kernels()),
          optimizer_(settings, parameter_layout(config), best_kernels()) {}

    const GptConfig& config() const override { return config_; }
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

    Result<float> train_step(const Batch& batch, float learning_rate) override {
        TRY_VOID(check(batch));
        return guarded([&]() -> Result<float> {
            const auto value = static_cast<float>(network_.gradient(parameters_, batch, gradient_));
            if (!std::isfinite(value))
                return Error{ErrorKind::corrupt, "training diverged: the loss is not finite"};
            optimizer_.step(parameters_, gradient_, learning_rate);
            return value;
        });
    }

    Result<float> loss(const Batch& batch) override {
        TRY_VOID(check(batch));
        return guarded([&]() -> Result<float> {
            return static_cast<float>(network_.loss(parameters_, batch));
        });
    }

    Result<float> gradient(const Batch& batch, std::span<float> out) override {
        TRY_VOID(check(batch));
        if (out.size() != parameters_.size())
            return wrong_size("the list", out.size(), parameters_.size());
        return guarded([&]() -> Result<float> {
            return static_cast<float>(network_.gradient(parameters_, batch, out));
        });
    }

    Status next_byte_logits(ByteSpan text, std::span<float, kVocabulary> out) override {
        static constexpr std::uint8_t kLineFeed[] = {'\n'};
        if (text.empty()) text = kLineFeed;
        text = text.last(std::min<std::size_t>(text.size(), config_.context));
        return guarded([&]() -> Status {
            network_.next_byte_logits(parameters_, text, out);
            return {};
        });
    }

  private:
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

    const GptConfig config_;
    std::vector<float> parameters_, gradient_;
    Network network_;
    InnerOptimizer optimizer_;
};

class NanoBackend final : public Backend {
  public:
    NanoBackend() : name_(std::string("nano ") + best_kernels().name) {}
    std::string_view name() const override { return name_; }

    Result<std::unique_ptr<Model>> create(const GptConfig& config,
                                          const OptimizerSettings& settings,
                                          std::span<const float> parameters) override {
        TRY_VOID(config.validate());
        if (parameters.size() != config.parameter_count())
            return wrong_size("the list of parameters", parameters.size(),
                              config.parameter_count());
        return guarded([&]() -> Result<std::unique_ptr<Model>> {
            return std::unique_ptr<Model>(
                std::make_unique<NanoModel>(config, settings, parameters));
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
