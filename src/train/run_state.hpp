// What a worker needs to go on with a run that it lost or never saw: everything that all workers
// share. From TrainingRun::state() of any of them, to TrainingRun::resume().
//
// Whoever takes a state from a peer compares state_hash(shared) with what the other peers say: the
// bytes prove nothing by themselves.
#pragma once

#include <vector>

#include "train/payload.hpp"

namespace mutirao::train {

struct RunState {
    RunId run;
    std::uint32_t round = 0;    // whose local steps come next
    std::uint32_t applied = 0;  // rounds behind `shared`
    std::vector<Digest> bases;  // of the rounds that are on their way: applied .. round - 1
    std::vector<float> shared;
    std::vector<float> momentum;  // of the outer optimizer, one for each parameter

    bool operator==(const RunState&) const = default;
};

// Canonical: version u16, run, round u32, applied u32, bases, parameter count u64, the parameters
// and the momenta as float32; little-endian.
Bytes encode_run_state(const RunState& state);
// corrupt for anything that encode_run_state would not have written, numbers that are not finite
// included. Nothing is allocated before the sizes agree.
Result<RunState> decode_run_state(ByteSpan bytes);

}  // namespace mutirao::train
