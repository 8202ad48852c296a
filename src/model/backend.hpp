// What a training worker and an inference server need of a neural-network library, in plain spans.
// The libtorch implementation is a plug-in (plugin/), opened by torch_backend.hpp.
//
// One worker is one process is one thread (training.md section 3: two intra-op threads are slower
// than one; two processes scale perfectly). The environment is part of that contract and must be
// set before the process starts: kWorkerEnvironment.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "model/config.hpp"

namespace mutirao::model {

// NAME, value: for whoever starts a worker process.
inline constexpr std::array<std::pair<const char*, const char*>, 3> kWorkerEnvironment{{
    {"OMP_NUM_THREADS", "1"},
    {"OPENBLAS_NUM_THREADS", "1"},
    // libtorch 1.13 uses AVX2 kernels otherwise; a machine without AVX-512 falls back by itself.
    {"ATEN_CPU_CAPABILITY", "avx512"},
}};

enum class Optimizer : std::uint8_t {
    adamw = 0,  // Loshchilov, Hutter 2019
    muon = 1,   // Jordan 2024 on hidden matrices, AdamW on embedding, head and norms
};

// `learning_rate` of train_step is AdamW's. Muon's update is scaled by 0.2 * sqrt(larger dimension)
// so that it has AdamW's usual size (Liu et al. 2025, arXiv 2502.16982) and one rate serves both.
struct OptimizerSettings {
    Optimizer optimizer = Optimizer::muon;
    float beta1 = 0.9f;
    float beta2 = 0.95f;
    float epsilon = 1e-8f;
    float weight_decay = 0.01f;  // decoupled, on matrices only
    float muon_momentum = 0.95f;
    float clip_norm = 1.0f;  // of the whole gradient; 0 = no clipping
};

struct OptimizerState {
    std::uint64_t steps = 0;
    std::vector<float> moments;  // two lists of the parameters' length, one after the other

    bool operator==(const OptimizerState&) const = default;
};

// `rows` examples of config.example_size() bytes each, one after another (config.hpp says what is
// in them).
struct Batch {
    std::uint32_t rows = 0;
    ByteSpan tokens;
};

inline constexpr std::uint32_t kBatchRowsMax = 4096;

// A model with its inner optimizer's state. One thread at a time. Losses are the mean over all
// answers: nats a token, nats a picture or row, or the square of a number's error. Every call may
// answer resource_exhausted (memory) or io (the library's own words), and invalid_argument when a
// size or a value is not what config() says.
class Model {
  public:
    virtual ~Model() = default;
    virtual const ModelConfig& config() const = 0;
    virtual std::size_t parameter_count() const = 0;

    // Copies, in parameter_layout() order. Setting leaves the optimizer's state as it is.
    virtual Status get_parameters(std::span<float> out) const = 0;
    virtual Status set_parameters(std::span<const float> in) = 0;
    // The inner optimizer's state: with it and the parameters another process goes on bit for bit.
    // unimplemented by backends that do not give it out; invalid_argument for another model's.
    virtual Result<OptimizerState> optimizer_state() const {
        return Error{ErrorKind::unimplemented, "this backend keeps its optimizer's state"};
    }
    virtual Status set_optimizer_state(const OptimizerState&) {
        return Error{ErrorKind::unimplemented, "this backend takes no optimizer's state"};
    }

    // One optimizer step; returns the loss before it. A loss that is not finite leaves parameters
    // and optimizer untouched and answers corrupt.
    virtual Result<float> train_step(const Batch& batch, float learning_rate) = 0;
    virtual Result<float> loss(const Batch& batch) = 0;
    // The loss, and its gradient in `out`; parameters and optimizer stay.
    virtual Result<float> gradient(const Batch& batch, std::span<float> out) = 0;

    // Scores of each token that may follow `tokens`, of which the last `context` are read; none
    // count as one line feed. `out` has the vocabulary's size. Cost: one forward pass of the whole
    // window. unimplemented unless config() is a GPT.
    virtual Status next_token_logits(std::span<const Token> tokens, std::span<float> out);
    // [rows, classes] scores, or [rows, 1] numbers; what the examples give as answers is not read.
    // unimplemented when config() is a GPT.
    virtual Status scores(const Batch& batch, std::span<float> out);
};

class Backend {
  public:
    virtual ~Backend() = default;
    virtual std::string_view name() const = 0;  // "libtorch 1.13.1"
    // A model with these parameters (parameter_layout() order) and fresh optimizer state. It may
    // outlive the Backend. invalid_argument when the shape or the count is wrong.
    // unimplemented when this backend has no such kind of model.
    virtual Result<std::unique_ptr<Model>> create(const ModelConfig& config,
                                                  const OptimizerSettings& settings,
                                                  std::span<const float> parameters) = 0;
};

}  // namespace mutirao::model
