#include "coding/stripe.hpp"

#include <algorithm>
#include <cstring>

namespace mutirao::coding {
namespace {

constexpr std::size_t kStripeTarget = std::size_t{512} * 1024;  // bytes: half of a usual L2
constexpr std::size_t kColumnsMin = 512, kColumnsMax = kTaskColumns;
constexpr std::size_t kBlockGap = 256;  // 16 blocks of any power of two spread over all of L1
static_assert(kTaskColumns % kColumnsMin == 0);

}  // namespace

std::size_t stripe_columns(std::uint32_t rows, std::size_t row_size) {
    const std::size_t fitting = std::bit_floor(kStripeTarget / rows);
    return std::min(std::clamp(fitting, kColumnsMin, kColumnsMax), row_size);
}

Write write_for(const Kernels& kernels, std::size_t total) {
    if (total >= kStreamFrom) return kernels.stream;
    return [](const std::uint8_t* in, std::uint8_t* out, std::size_t size) {
        std::memcpy(out, in, size);
    };
}

Stripe::Stripe(std::uint32_t rows, std::size_t columns)
    : rows_(rows),
      columns_(columns),
      block_stride_(block_size() + kBlockGap),
      buffer_(blocks() * block_stride_) {}

void Stripe::inverse_above(const Kernels& kernels, std::uint32_t offset) {
    const auto blocks_here = all_blocks();
    inverse_layers(kernels, as_const(blocks_here), blocks_here, block_size(), blocks(),
                   offset / kBlockRows, {0, log2_of(blocks())});
}

void Stripe::forward_above(const Kernels& kernels, Stripe& from, std::uint32_t blocks,
                           std::uint32_t offset) {
    if (blocks == 1) {  // no layers there
        if (&from != this) std::memcpy(block(0).data, from.block(0).data, block_size());
        return;
    }
    forward_layers(kernels, as_const(from.all_blocks()), all_blocks(), block_size(), blocks,
                   offset / kBlockRows, {0, log2_of(blocks)});
}

void Stripe::differentiate(const Kernels& kernels, std::uint32_t blocks_made) {
    // Ascending: a block takes from later ones only, which still hold coefficients.
    for (std::uint32_t i = 0; i < blocks_made; ++i) {
        derivative(kernels, block(i), columns_, kBlockRows);
        for (std::uint32_t bit = 1; bit < blocks(); bit *= 2)
            if ((i & bit) == 0) kernels.add(block(i).data, block(i | bit).data, block_size());
    }
}

}  // namespace mutirao::coding
