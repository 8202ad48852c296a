// All numbers of a training run. Two peers that hold equal settings and payloads compute equal
// models.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/config.hpp"
#include "model/lora.hpp"
#include "train/activation_codec.hpp"
#include "train/merge.hpp"
#include "train/outer.hpp"
#include "train/payload.hpp"
#include "train/privacy.hpp"
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

struct RunSettings {
    model::ModelConfig model;
    // The checkpoint that training starts from; fresh parameters when there is none.
    std::optional<Digest> base;
    // With a base: its adapters are trained, and nothing else travels.
    std::optional<model::LoraConfig> lora;
    std::uint32_t batch = 0;        // examples a step and worker
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
    // Payloads are masked, and only their sum is ever known (secure_sum.hpp). With codec fixed32
    // and the mean, without audits and contributions; nobody can clip lengths to their median then.
    bool secure_sum = false;
    // On: each pseudo-gradient is clipped and noised (privacy.hpp). Without error feedback, which
    // would bring again what was clipped.
    PrivacySettings privacy = {};
    // Above 0: each worker computes one payload of the others again in so many rounds, on the
    // average (audit.hpp, recompute.hpp). With a quorum, since a round goes on without a cheater.
    // Not with privacy, whose noise is nobody else's, nor with a secure sum, which shows nobody a
    // payload.
    std::uint32_t audit_every = 0;
    // Above 0: in one of so many steps each worker measures what each owner's examples did
    // (contribution.hpp), and its payload says it. Not with privacy: what is measured has no noise.
    std::uint32_t contributions_every = 0;
    // Above 1: the model is cut into so many pieces of its layers, and each worker has one
    // (pipeline.hpp). Worker w has stage w modulo stages of pipeline w / stages; the workers of one
    // stage are a group with payloads, codec, error feedback and outer optimizer of their own.
    // `batch` and `quorum` then count a pipeline's examples, and pipelines.
    std::uint32_t stages = 1;
    std::uint32_t micro_batches = 1;  // that a pipeline's batch is cut into; no matter with 1 stage
    // Of what travels between stages.
    ActivationCodec activations = ActivationCodec::int8;
    // The BLAKE3 digest of an object of the builder's that nobody trains on: what lowers the loss
    // on it contributes. Without one each owner's examples are judged by the others' held-out ones.
    std::optional<Digest> judge = {};

    bool operator==(const RunSettings&) const = default;

    Status validate() const;
    // Of what is trained and exchanged: the model's parameters, or its adapters'. Wants valid
    // settings.
    std::vector<model::Parameter> layout() const;
    // With which a model makes the local steps.
    model::OptimizerSettings optimizer() const;
    std::uint64_t steps() const { return std::uint64_t{rounds} * local_steps; }
    // With fragments closing rounds follow, which have no steps and exchange what the pieces gained
    // since their last turns.
    std::uint32_t rounds_total() const { return rounds + fragments - 1; }
    // Payloads that a round of so many workers needs: the quorum. Where none is named all, or, with
    // spares beside them, one fewer: whoever takes a lost one's place has nothing to send in the
    // round of the loss. A secure sum needs more than half of them: as many whose values are in
    // it, and, of all with the spares, as many who open masks.
    std::uint32_t needed(std::uint32_t workers, bool has_spares = false) const;
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
//   dilocox     AdamW, low rank in int4, one round of delay with restart, both optimizers, codec
//   and
//               error feedback in each of two stages (DiLoCoX); what travels between them is exact
//   sparseloco  AdamW, 64 values of each 4096 in 2 bits (SparseLoCo, arXiv 2508.15706)
Result<RunSettings> preset(std::string_view name);

}  // namespace mutirao::train
