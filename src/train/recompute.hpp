// A worker's round computed again by somebody else, from what it committed to: whoever sends
// made-up numbers is found.
//
// A worker that offers this puts the digest of its WorkerState into each payload (Payload::before).
// Asked about round r, it hands that state over. From the state, the settings and the texts, which
// all workers have (Sampler), the round is computed again: its payload must be the one that was
// sent, and, once the round's payloads are applied, the state must be the one that the worker
// committed to before round r + 1. So each round is bound to the one before, back to the first,
// whose state anybody can compute; checking some rounds by chance checks them all with a chance
// that grows with their number.
//
// On one kind of CPU the nano backend gives the same bits. Elsewhere the last bits differ:
// `distance` says how far. Noise (privacy) is a secret and cannot be computed again; a masked
// payload is compared before it is masked. Cost: a round's local steps. Pure; one thread at a time.
#pragma once

#include <functional>

#include "train/round.hpp"
#include "train/sampler.hpp"

namespace mutirao::train {

// Whose round; borrowed for the call.
struct RecomputedWorker {
    const RunSettings& settings;
    TrainingRun::Identity identity;
    std::span<const Matrix> matrices = {};
};

// Before a train step, with the number of the run's step and its examples: to measure what the
// worker measured (contribution.hpp).
using BeforeStep = std::function<Status(std::uint64_t step, ByteSpan examples)>;

struct Recomputed {
    // After finish_round(): apply the payloads that are due, then own_state() with the model's
    // optimizer_state().
    TrainingRun run;
    Payload payload;    // without credits
    double length = 0;  // Euclidean, of the pseudo-gradient as the codec gives it back
};

// The round that comes next in `before`, with `steps` local steps of `model`, whose parameters and
// inner optimizer are overwritten. invalid_argument when the state does not fit, and for a run with
// privacy; what `model` and `before_step` answer.
Result<Recomputed> recompute_round(const RecomputedWorker& whose, const WorkerState& before,
                                   std::uint32_t steps, Sampler& sampler, model::Model& model,
                                   const BeforeStep& before_step = {});

enum class Finding : std::uint8_t {
    same = 0,           // bit for bit
    close = 1,          // within the tolerance
    other_state = 2,    // the state is not the one that the payload committed to
    other_values = 3,   // the payload has other values, or says that they come from elsewhere
    other_credits = 4,  // what it says of the owners' examples is something else
};

struct Comparison {
    Finding finding = Finding::same;
    // Of what was sent from what was computed again (audit.hpp); 0 when it does not apply.
    double distance = 0;
};

// `sent` against what was computed again, its credits included. `tolerance` is a distance: 0 on
// equal machines.
Result<Comparison> compare_round(const RecomputedWorker& whose, const Payload& sent,
                                 const Recomputed& computed, double tolerance);

// How far a worker's state after a round is from what was computed again, for the same tolerance.
// Parameters and what is owed are measured by the `length` of what the round sent, the inner
// optimizer's moments by their own; the largest counts. Infinite when what all workers share
// differs, or a list's size.
double state_distance(const WorkerState& claimed, const WorkerState& computed, double length);

}  // namespace mutirao::train
