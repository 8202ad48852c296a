// Keccak-256 of many messages. Pure; any thread.
#pragma once

#include <span>

#include "crypto/hash.hpp"

namespace mutirao::crypto {

// keccak256() of each, eight side by side where the processor has AVX-512 and there are three or
// more. `out` has one for each input.
void keccak256_each(std::span<const ByteSpan> inputs, std::span<Digest> out);

}  // namespace mutirao::crypto
