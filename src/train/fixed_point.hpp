// Numbers that add up exactly: whole multiples of 2^-20, modulo 2^32. As a codec (`fixed32`, four
// bytes a value) they are what secure summation masks; values of up to kFixedMax never overflow a
// sum over all workers of a run, larger ones are cut and come again through error feedback.
#pragma once

#include <span>
#include <vector>

#include "train/payload.hpp"

namespace mutirao::train {

inline constexpr int kFixedFractionBits = 20;
inline constexpr std::int32_t kFixedLargest = 0x7fffffff / kWorkersMax;
inline constexpr float kFixedMax = static_cast<float>(kFixedLargest >> kFixedFractionBits);  // 7
static_assert(std::int64_t{kFixedLargest} * kWorkersMax <= 0x7fffffff);

// The words of a payload's fixed32 delta, masked or not. corrupt when it is no such delta for so
// many values.
Result<std::vector<std::uint32_t>> fixed_words(ByteSpan delta, std::uint64_t values);
// The inverse.
Bytes fixed_delta(std::span<const std::uint32_t> words);
// The mean of what `workers` words were added up to.
void fixed_mean(std::span<const std::uint32_t> sum, std::size_t workers, std::span<float> out);

}  // namespace mutirao::train
