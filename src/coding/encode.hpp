// Encoding and decoding with the kernels of the caller's choice, so that tests and benches compare
// them. Internal to coding; coding.hpp says what these do.
#pragma once

#include "coding/coding.hpp"
#include "coding/kernel.hpp"

namespace mutirao::coding {

void encode_with(const Kernels& kernels, const Shape& shape, ByteSpan data, MutableByteSpan parity,
                 const Threads& threads, Observer* observer);
Status repair_with(const Kernels& kernels, const Shape& shape, std::span<const Row> rows,
                   std::span<const std::uint32_t> wanted, MutableByteSpan out,
                   const Threads& threads);

}  // namespace mutirao::coding
