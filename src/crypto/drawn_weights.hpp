// Weights of a random combination by which many equations are checked as one. Internal to crypto;
// pure, any thread.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::crypto {

inline constexpr std::size_t kWeightBits = 128;
using Weight = std::array<std::uint8_t, kWeightBits / 8>;  // little-endian

// So many weights that nobody knew before all of the statement was fixed: its hash, by purpose.
std::vector<Weight> drawn_weights(std::string_view purpose, ByteSpan statement, std::size_t count);

}  // namespace mutirao::crypto
