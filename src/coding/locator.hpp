// The erasure locator e(x) = product of (x - w_j) over the erased rows j, in logarithms. Internal
// to coding.
#pragma once

#include <cstdint>
#include <vector>

#include "coding/field.hpp"

namespace mutirao::coding {

// log e(w_i) for a present row i and log e'(w_i) for an erased one, for every i below
// erased.size(), a power of two up to 65536. Points are closed under addition, so the sum of
// logarithms is a convolution over XOR: three Walsh-Hadamard transforms modulo 65535.
std::vector<F16> locator_logs(const std::vector<bool>& erased);

}  // namespace mutirao::coding
