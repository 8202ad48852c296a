// All that a worker's next round depends on, beside the run's settings and texts: what it goes on
// from after a crash without losing anything, and what another worker computes its round again from
// (recompute.hpp). TrainingRun::own_state() gives it, TrainingRun::go_on() takes it.
#pragma once

#include "model/backend.hpp"
#include "train/run_state.hpp"

namespace mutirao::train {

struct WorkerState {
    struct Pending {
        std::vector<float> delta, decoded;  // empty, or of the round's piece

        bool operator==(const Pending&) const = default;
    };
    RunState shared;
    std::vector<float> start;      // of the next local steps
    std::vector<float> mark;       // where pseudo-gradients are measured from
    std::vector<float> error;      // that error feedback owes
    std::vector<Pending> pending;  // of the rounds of shared.bases
    // The inner optimizer's. Without moments where the backend does not give it out: whoever goes
    // on then begins with a fresh one.
    model::OptimizerState inner;

    bool operator==(const WorkerState&) const = default;
};

// An inner optimizer's before its first step, of so many parameters.
model::OptimizerState fresh_inner(std::size_t parameters);

// Canonical: version u16, the run state's "training blob" id (blob.hpp), start, mark, error, each
// pending's two lists after their counts u64, steps u64, moments after their count u64. A list is a
// form u8, 0: all zeros, 1: the shared parameters, 2: floats as their bits, which follow; always
// the first form that is true. Little-endian. The run state itself has an encoding of its own,
// which all workers have: with a schedule of no delay and no error this one has moments only.
Bytes encode_worker_state(const WorkerState& state);
// `run_state` is encode_run_state()'s. corrupt for anything that encode_worker_state would not have
// written with it, numbers that are not finite included.
Result<WorkerState> decode_worker_state(ByteSpan bytes, ByteSpan run_state);
// The id of the run state that the bytes name.
Result<Digest> run_state_of(ByteSpan worker_state);

// The "training blob" id of the encoding: what a worker commits to in its payload, and what it
// hands the state over by.
Digest worker_state_digest(const WorkerState& state);

}  // namespace mutirao::train
