// For tests and benches of certificates: a statement of which the leaves and their commitment alone
// are good, made in 4 ms.
#pragma once

#include "base/random.hpp"
#include "block/statement.hpp"

namespace mutirao::block {

inline Statement stated_leaves(std::uint64_t seed) {
    SeededRandom random(seed);
    Statement out;
    std::vector<crypto::Scalar> scalars;
    for (std::uint32_t i = 0; i < kSlotCount; ++i) {
        out.leaves.push_back(random.fixed<Digest>());
        scalars.push_back(crypto::to_scalar(out.leaves.back()));
    }
    out.commitment = crypto::commit(scalars);
    return out;
}

}  // namespace mutirao::block
