// What DiLoCoX's authors published of their run of 107 billion parameters (arXiv 2506.21263, tables
// of the experiments), and the two numbers that follow from it: the projections' yardstick.
//
// Full overlap leaves only compute: 3,728 tokens/s, so an all-reduce, at 10.4, takes 357.5 steps of
// compute. It moves 2 bytes of each parameter over 1 Gbit/s: 1,712 s, so a step takes 4.79 s and
// has 17,853 tokens. Their H is 125.
#pragma once

#include "train/projection.hpp"

namespace mutirao::train {

inline constexpr double kDilocoxParameters = 107e9;
inline constexpr std::uint32_t kDilocoxLocalSteps = 125;
inline constexpr double kDilocoxBits = 1e9;
inline constexpr double kDilocoxAllReduce = 10.4;  // tokens/s
inline constexpr double kDilocoxFull = 3728;
inline constexpr double kDilocoxNoOverlap = 2197;
inline constexpr double kDilocoxNoCompression = 1168;
inline constexpr double kDilocoxCocktail = 2427;

inline constexpr double kDilocoxInt4 = 0.5;  // bytes a parameter; their rank cuts nearly nothing
// A tenth by chance, of that 0.08 by size, in 4 bits: positions follow from a seed in part, and are
// not counted.
inline constexpr double kCocktailBytes = 0.1 * 0.08 * 0.5;

inline constexpr ReplicaModel dilocox_replica() {
    constexpr double kAllReduceSeconds = 8 * 2 * kDilocoxParameters / kDilocoxBits;
    constexpr double kSteps = kDilocoxFull / kDilocoxAllReduce - 1;
    constexpr double kStep = kAllReduceSeconds / kSteps;
    // Tokens/s are of both replicas together.
    return {.replicas = 2,
            .parameters = kDilocoxParameters,
            .step_seconds = kStep,
            .tokens_a_step = kDilocoxFull * kStep / 2,
            .codec_seconds = 0};
}

}  // namespace mutirao::train
