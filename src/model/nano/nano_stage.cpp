#include <algorithm>
#include <cmath>
#include <map>
#include <new>

#include "model/backend_checks.hpp"
#include "model/flush_denormals.hpp"
#include "model/nano/blas.hpp"
#include "model/nano/network.hpp"
#include "model/nano/optimizer.hpp"
#include "model/stage.hpp"

namespace mutirao::model {

namespace {

using nano::Activations;

Error refused(std::string what) {
    return {ErrorKind::invalid_argument, "pipeline stage: " + std::move(what)};
}

class NanoStage final : public Stage {
  public:
    NanoStage(const GptConfig& config, const StageRange& range, const OptimizerSettings& settings,
              std::span<const float> parameters)
        : config_(config),
          range_(range),
          parameters_(parameters.begin(), parameters.end()),
          gradient_(parameters.size()),
          network_(config, range, nano::best_kernels()),
          optimizer_(settings, stage_layout(config, range), nano::best_kernels()) {}

    const StageRange& range() const override { return range_; }
    std::size_t parameter_count() const override { return parameters_.size(); }

    Status get_parameters(std::span<float> out) const override {
        if (out.size() != parameters_.size()) return refused("a list of another size");
        std::copy(parameters_.begin(), parameters_.end(), out.begin());
        return {};
    }
    Status set_parameters(std::span<const float> in) override {
        if (in.size() != parameters_.size()) return refused("a list of another size");
        std::copy(in.begin(), in.end(), parameters_.begin());
        return {};
    }

    OptimizerState optimizer_state() const override { return optimizer_.state(); }
    Status set_optimizer_state(const OptimizerState& state) override {
        return optimizer_.set_state(state) ? Status() : refused("an optimizer of another size");
    }

    Status begin_step(std::uint32_t rows) override {
        if (rows == 0 || rows > kBatchRowsMax)
            return refused("a step of " + std::to_string(rows) + " rows");
        for (auto& [micro_batch, kept] : in_flight_) spare_.push_back(std::move(kept));
        in_flight_.clear();
        std::fill(gradient_.begin(), gradient_.end(), 0.0f);
        scale_ = static_cast<float>(1 / (static_cast<double>(rows) * config_.context));
        return {};
    }

    Result<double> forward(std::uint32_t micro_batch, const Batch& batch, std::span<const float> in,
                           std::span<float> out) override {
        const std::size_t tokens = std::size_t{batch.rows} * config_.context;
        const std::size_t size = tokens * config_.width;
        TRY_VOID(check_batch(config_, batch));
        if (in.size() != (network_.is_first() ? 0 : size) ||
            out.size() != (network_.is_last() ? 0 : size))
            return refused("activations of a wrong size");
        if (in_flight_.contains(micro_batch)) return refused("a micro-batch came twice");
        const FlushDenormals flush;
        try {
            auto& kept = keep(micro_batch);
            kept.read(config_, batch, 0, batch.rows);
            std::copy(in.begin(), in.end(), nano::at_least(kept.stream, size));
            network_.forward(parameters_.data(), kept, nano::Network::Keep::activations);
            if (network_.is_last()) return network_.score_gradients(kept, scale_);
            std::copy_n(kept.stream.begin(), size, out.begin());
            return 0.0;
        } catch (const std::bad_alloc&) {
            in_flight_.erase(micro_batch);
            return Error{ErrorKind::resource_exhausted, "nano: not enough memory"};
        }
    }

    Status backward(std::uint32_t micro_batch, std::span<const float> in,
                    std::span<float> out) override {
        const auto found = in_flight_.find(micro_batch);
        if (found == in_flight_.end()) return refused("a gradient for what was not computed");
        const std::size_t tokens = found->second.size(), size = tokens * config_.width;
        if (in.size() != (network_.is_last() ? 0 : size) ||
            out.size() != (network_.is_first() ? 0 : size))
            return refused("gradients of a wrong size");
        const FlushDenormals flush;
        try {
            const auto stream = network_.stream_gradient(tokens);
            std::copy(in.begin(), in.end(), stream.begin());
            network_.backward(parameters_.data(), found->second, gradient_.data());
            std::copy_n(stream.begin(), out.size(), out.begin());
        } catch (const std::bad_alloc&) {
            return Error{ErrorKind::resource_exhausted, "nano: not enough memory"};
        }
        spare_.push_back(std::move(found->second));
        in_flight_.erase(found);
        return {};
    }

    Status get_gradient(std::span<float> out) const override {
        if (out.size() != gradient_.size()) return refused("a list of another size");
        std::copy(gradient_.begin(), gradient_.end(), out.begin());
        return {};
    }

    double square_sum(double later_stages) const override {
        const FlushDenormals flush;
        return optimizer_.square_sum(gradient_, later_stages);
    }

    Status step(double whole_square_sum, float learning_rate) override {
        if (!in_flight_.empty()) return refused("a step with micro-batches in flight");
        if (!std::isfinite(whole_square_sum))
            return Error{ErrorKind::corrupt, "training diverged: the gradient is not finite"};
        const FlushDenormals flush;
        try {
            optimizer_.step(parameters_, gradient_, learning_rate, whole_square_sum);
        } catch (const std::bad_alloc&) {
            return Error{ErrorKind::resource_exhausted, "nano: not enough memory"};
        }
        return {};
    }

  private:
    // Memory of a micro-batch that is done serves the next one.
    Activations& keep(std::uint32_t micro_batch) {
        auto& kept = in_flight_[micro_batch];
        if (!spare_.empty()) {
            kept = std::move(spare_.back());
            spare_.pop_back();
        }
        return kept;
    }

    const GptConfig config_;
    const StageRange range_;
    std::vector<float> parameters_, gradient_;
    nano::Network network_;
    nano::InnerOptimizer optimizer_;
    std::map<std::uint32_t, Activations> in_flight_;
    std::vector<Activations> spare_;
    float scale_ = 0;
};

}  // namespace

Result<std::unique_ptr<Stage>> make_nano_stage(const GptConfig& config, const StageRange& range,
                                               const OptimizerSettings& settings,
                                               std::span<const float> parameters) {
    TRY_VOID(config.validate());
    if (range.layers < 1 || range.first >= config.layers ||
        range.layers > config.layers - range.first)
        return refused("layers that the model has not");
    if (parameters.size() != stage_slice(config, range).size)
        return refused(std::to_string(parameters.size()) + " parameters, not " +
                       std::to_string(stage_slice(config, range).size));
    TRY_VOID(nano::open_blas());
    try {
        return std::unique_ptr<Stage>(
            std::make_unique<NanoStage>(config, range, settings, parameters));
    } catch (const std::bad_alloc&) {
        return Error{ErrorKind::resource_exhausted, "nano: not enough memory"};
    }
}

}  // namespace mutirao::model
