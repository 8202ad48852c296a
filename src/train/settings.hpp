// All numbers of a training run. Two peers that hold equal settings and payloads compute equal
// models.
#pragma once

#include <cstdint>
#include <string_view>

#include "train/merge.hpp"
#include "train/outer.hpp"
#include "train/payload.hpp"
#include "train/pseudo_gradient.hpp"

namespace mutirao::train {

enum class InnerOptimizer : std::uint8_t { adamw = 0, muon = 1 };

enum class Schedule : std::uint8_t {
    sync = 0,        // exchange, outer step, go on
    delay_keep = 1,  // exchange beside the next round's steps, which go on from this worker's own
                     // parameters; the outer step comes one round late
    delay_restart = 2,  // as delay_keep, but each round starts from the shared parameters: what the
                        // round before found comes back only with the outer step (DiLoCoX, arXiv
                        // 2506.21263, as far as its text says)
};

struct ModelShape {
    std::uint32_t layers = 0;
    std::uint32_t width = 0;
    std::uint32_t heads = 0;
    std::uint32_t context = 0;

    bool operator==(const ModelShape&) const = default;
};

struct RunSettings {
    ModelShape model;
    std::uint32_t batch = 0;        // windows a step and worker
    std::uint32_t local_steps = 0;  // a round: H
    std::uint32_t rounds = 0;
    std::uint64_t seed = 1;
    InnerOptimizer inner = InnerOptimizer::muon;
    float learning_rate = 0;         // the peak
    std::uint32_t warmup_steps = 0;  // linear from 0
    float final_learning_rate = 0;   // linear from the peak over the steps after the warm-up
    CodecSettings codec;
    float error_decay = 1;
    OuterSettings outer;
    Schedule schedule = Schedule::sync;
    // Above 1: the list of parameters is cut into so many pieces, and round r exchanges piece
    // r modulo their number, so that links are used evenly (Streaming DiLoCo, arXiv 2501.18512).
    // Each piece is exchanged every fragments * local_steps steps.
    std::uint32_t fragments = 1;
    Merge merge = Merge::mean;
    std::uint32_t quorum = 0;  // workers that a round needs; 0 = all

    bool operator==(const RunSettings&) const = default;

    Status validate() const;
    std::uint64_t steps() const { return std::uint64_t{rounds} * local_steps; }
    // With fragments closing rounds follow, which have no steps and exchange what the pieces gained
    // since their last turns.
    std::uint32_t rounds_total() const { return rounds + fragments - 1; }
    // Of inner step `step` (0 = the run's first).
    float learning_rate_at(std::uint64_t step) const;

    void encode(Writer& writer) const;
    // Fails on settings that validate() refuses.
    static Result<RunSettings> decode(Reader& reader);
};

// Named starting points, ours and those that ours is measured beside (bench/train). not_found lists
// the names. Their sizes suit the demo: 2 workers of one thread each and 184,320 bytes of text for
// each, about 20 s of CPU time.
//
//   mutirao     Muon, int4
//   allreduce   AdamW, exchange after each step, bf16
//   opendiloco  AdamW, bf16 (OpenDiLoCo, arXiv 2407.07852: fp16)
//   cocktail    AdamW, exchange after each step of 0.8 % of the values (CocktailSGD, ICML 2023: the
//               same share, by chance and by size, in 4 bits; here by size, in 2)
//   dilocox     AdamW, low rank in int4, one round of delay with restart (DiLoCoX)
//   sparseloco  AdamW, 64 values of each 4096 in 2 bits (SparseLoCo, arXiv 2508.15706)
Result<RunSettings> preset(std::string_view name);

}  // namespace mutirao::train
