// A compute node's backend that answers without computing: scores are drawn, and never the same way
// again. The test puts it in the place of libtorch's plug-in, so that a real node signs receipts
// for what is no answer of its model.
#include "base/random.hpp"
#include "model/plugin/entry.hpp"
#include "model/torch_backend.hpp"

namespace {

using namespace mutirao;

Error none() { return {ErrorKind::unimplemented, "this backend only makes answers up"}; }

class Liar final : public model::Model {
  public:
    explicit Liar(const model::ModelConfig& config) : config_(config) {}
    const model::ModelConfig& config() const override { return config_; }
    std::size_t parameter_count() const override { return 0; }
    Status get_parameters(std::span<float>) const override { return none(); }
    Status set_parameters(std::span<const float>) override { return none(); }
    Result<float> train_step(const model::Batch&, float) override { return none(); }
    Result<float> loss(const model::Batch&) override { return none(); }
    Result<float> gradient(const model::Batch&, std::span<float>) override { return none(); }
    Status next_token_logits(std::span<const model::Token>, std::span<float> out) override {
        for (auto& score : out) score = static_cast<float>(chance_.below(800)) / 100;
        return {};
    }
    Status scores(const model::Batch&, std::span<float>) override { return none(); }

  private:
    const model::ModelConfig config_;
    SeededRandom chance_{1};
};

class LiarBackend final : public model::Backend {
  public:
    std::string_view name() const override { return "none"; }
    Result<std::unique_ptr<model::Model>> create(const model::ModelConfig& config,
                                                 const model::OptimizerSettings&,
                                                 std::span<const float>) override {
        return std::unique_ptr<model::Model>(std::make_unique<Liar>(config));
    }
};

}  // namespace

extern "C" __attribute__((visibility("default"))) mutirao::model::Backend* mutirao_torch_open(
    std::uint32_t abi) {
    return abi == mutirao::model::kTorchPluginAbi ? new LiarBackend() : nullptr;
}
