// What pipeline stages of one replica of a model send to their neighbours.
#pragma once

#include "crypto/account.hpp"
#include "train/payload.hpp"

namespace mutirao::train {

inline constexpr std::uint32_t kStagesMax = 64;
inline constexpr std::uint32_t kMicroBatchesMax = 1024;
inline constexpr std::size_t kPipelineTokensMax = 1ull << 24;  // bytes of a micro-batch's examples
inline constexpr std::size_t kPipelineTensorMax = 300ull << 20;  // bytes of its activations

// Each stage is a training run of its own, with its own group of workers (the same stage of all
// replicas), outer optimizer and payloads; this is its name.
RunId stage_run(const RunId& run, std::uint32_t stage);

enum class PipelineKind : std::uint8_t {
    activations = 0,  // to the next stage, with the examples that the last one needs
    gradient = 1,     // to the stage before
    norm = 2,         // from the first stage on: all gradients are in, step
    end = 3,          // from the first stage on: the round ends before this step
    held_out = 4,     // as activations, of held-out examples; its step is the number of the look
    found = 5,        // from the last stage to all others: what the look found
    // To all others: how long what a stage would send of a round is; its step is the round, its
    // micro-batch the stage.
    length = 6,
    // Before a step, to learn what its examples do (credit_passes.hpp): as activations and
    // gradient, and to the first stage, an inner product of gradients.
    probe = 7,
    probe_gradient = 8,
    product = 9,
};

struct PipelineMessage {
    RunId run;
    std::uint32_t replica = 0;  // of the pipelines that train side by side
    std::uint32_t attempt = 0;  // grows when a lost stage is taken over
    std::uint64_t step = 0;
    PipelineKind kind = PipelineKind::activations;
    std::uint32_t micro_batch = 0;  // 0 with a norm, an end and what was found
    // Sum of squares of gradients: with the last micro-batch's gradient that of the stages behind,
    // with a norm the whole model's; with a length that of the stage's pseudo-gradient; else 0.
    double square_sum = 0;
    Bytes examples;  // with activations and held-out ones
    Bytes tensor;    // ActivationCodec's bytes, of activations and gradients
    // With what a look found: the mean loss of the held-out examples, and that of the last steps.
    double held_out_loss = 0, train_loss = 0;
    // state_hash() of the parameters that were looked at, of the first stage and so on: of those
    // that held-out activations came through, of all with what was found.
    std::vector<Digest> states = {};
    // Of a probe, its gradient and product: which pass of the step's, and the pass's examples.
    std::uint32_t pass = 0, rows = 0;
    double product = 0;
    // With held-out activations and what was found: what each object contributed to the round
    // behind the parameters, in millionths, as the first stage knows it.
    std::vector<std::uint32_t> weights = {};

    bool operator==(const PipelineMessage&) const = default;
};

// Canonical: version u16, run, replica u32, attempt u32, step u64, kind u8, micro-batch u32, square
// sum (IEEE 754 bits) u64, examples blob, tensor blob, losses as the square sum, states u32 and so
// many digests, pass u32, rows u32, product as its bits u64, weights u32 and so many u32;
// little-endian.
Bytes encode_pipeline_message(const PipelineMessage& message);
// corrupt for anything that encode_pipeline_message would not have written, and for fields that
// their kind has not.
Result<PipelineMessage> decode_pipeline_message(ByteSpan bytes);

// Where all stages of a pipeline go on after one was lost or came back.
struct PipelineStatus {
    std::uint32_t attempt = 0;
    std::uint64_t step = 0;      // whose micro-batches are under way
    double last_square_sum = 0;  // of the step before

    bool operator==(const PipelineStatus&) const = default;
};

// Who computes each stage of a pipeline from now on, and from where.
struct Seating {
    RunId run;
    std::uint32_t replica = 0;
    std::uint32_t round = 0;
    PipelineStatus from;
    std::vector<std::uint32_t> workers;  // of the run, one a stage

    bool operator==(const Seating&) const = default;
};

// Canonical: version u16, run, replica u32, round u32, attempt u32, step u64, square sum u64,
// stages u32 and so many workers u32; little-endian.
Bytes encode_seating(const Seating& seating);
// corrupt for anything that encode_seating would not have written.
Result<Seating> decode_seating(ByteSpan bytes);

// Either of them as a worker of the run signs it: r, s and y_parity of its account's signature over
// the keyed hash follow the bytes.
Bytes sign_for_stages(Bytes bytes, const crypto::AccountKey& key);
// The bytes without the signature; permission_denied unless one of `workers` signed them. About
// 50 us and the hash of the bytes.
Result<ByteSpan> check_for_stages(ByteSpan signed_bytes, std::span<const Address> workers);

}  // namespace mutirao::train
