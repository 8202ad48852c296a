// All numbers of a training run. Two peers that hold equal settings and payloads compute equal
// models.
#pragma once

#include <cstdint>
#include <string_view>

#include "train/outer.hpp"
#include "train/payload.hpp"
#include "train/pseudo_gradient.hpp"

namespace mutirao::train {

enum class InnerOptimizer : std::uint8_t { adamw = 0, muon = 1 };

enum class Schedule : std::uint8_t {
    sync = 0,        // exchange, outer step, go on
    delay_keep = 1,  // exchange beside the next round's steps, which go on from this worker's own
                     // parameters; the outer step comes one round late (training.md 2.2 item 2)
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

    bool operator==(const RunSettings&) const = default;

    Status validate() const;
    std::uint64_t steps() const { return std::uint64_t{rounds} * local_steps; }
    // Of inner step `step` (0 = the run's first).
    float learning_rate_at(std::uint64_t step) const;

    void encode(Writer& writer) const;
    // Fails on settings that validate() refuses.
    static Result<RunSettings> decode(Reader& reader);
};

// Named starting points: "mutirao" (ours), "diloco" (dense bf16, AdamW), "sparseloco" (topk2).
// not_found lists the names. Their sizes suit the demo: 2 workers of one thread each and 184,320
// bytes of text for each, about 20 s of CPU time.
Result<RunSettings> preset(std::string_view name);

}  // namespace mutirao::train
