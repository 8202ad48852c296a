// The GPT's forward pass on libtorch. Only files in plugin/ include torch headers: each costs 20 s
// of compile time.
#pragma once

#include <torch/types.h>
#include <vector>

#include "model/config.hpp"

namespace mutirao::model::plugin {

// Tensors in parameter_layout() order. Throws what torch throws.
class Network {
  public:
    explicit Network(const GptConfig& config);

    // tokens: int64 [rows, length], length <= context. Returns scores
    // [rows, length, vocabulary].
    at::Tensor logits(const std::vector<at::Tensor>& parameters, const at::Tensor& tokens) const;
    // Mean cross-entropy in nats; targets like tokens.
    at::Tensor loss(const std::vector<at::Tensor>& parameters, const at::Tensor& tokens,
                    const at::Tensor& targets) const;

  private:
    at::Tensor attention(const at::Tensor* maps, const at::Tensor& x) const;
    at::Tensor rotate(const at::Tensor& x) const;

    GptConfig config_;
    at::Tensor cosines_;  // [context, head size]
    at::Tensor sines_;
    at::Tensor mask_;  // [context, context], -infinity above the diagonal
};

}  // namespace mutirao::model::plugin
