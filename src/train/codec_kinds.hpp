// One maker per codec; make_codec() checks their arguments.
#pragma once

#include <memory>

#include "train/pseudo_gradient.hpp"

namespace mutirao::train {

std::unique_ptr<PseudoGradientCodec> make_bf16_codec(std::uint64_t parameters);
std::unique_ptr<PseudoGradientCodec> make_int4_codec(std::uint64_t parameters, std::uint32_t block);
std::unique_ptr<PseudoGradientCodec> make_topk2_codec(std::uint64_t parameters, std::uint32_t kept);

}  // namespace mutirao::train
