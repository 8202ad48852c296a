// One maker per codec; make_codec() checks their arguments.
#pragma once

#include <memory>

#include "train/pseudo_gradient.hpp"

namespace mutirao::train {

std::unique_ptr<PseudoGradientCodec> make_bf16_codec(std::uint64_t parameters);
// int4 and int8.
std::unique_ptr<PseudoGradientCodec> make_whole_codec(std::uint64_t parameters, CodecKind kind,
                                                      std::uint32_t block);
std::unique_ptr<PseudoGradientCodec> make_dense2_codec(std::uint64_t parameters,
                                                       std::uint32_t block);
std::unique_ptr<PseudoGradientCodec> make_low_rank_codec(std::uint64_t parameters,
                                                         std::uint32_t rank,
                                                         std::span<const Matrix> matrices);
std::unique_ptr<PseudoGradientCodec> make_fixed32_codec(std::uint64_t parameters);
std::unique_ptr<PseudoGradientCodec> make_topk2_codec(std::uint64_t parameters, std::uint32_t kept);

}  // namespace mutirao::train
