// A worker's own state (train/worker_state.hpp) on its disk, written beside the steps that go on
// from it: what a restart goes on from without losing what error feedback owes or the inner
// optimizer's moments.
#pragma once

#include <future>

#include "node/run_store.hpp"
#include "train/round.hpp"

namespace mutirao::node {

// What a worker goes on from after a restart; nothing when its own state is not whole, and the
// shared one (WorkDone::state) must do.
std::optional<train::WorkerState> own_state_of(const RunStore& store, const WorkDone& work);

// One thread at a time. Cost on that thread: the state's copy; beside it: one encoding, hash and
// atomic write of it.
class OwnState {
  public:
    // Both outlive it. `is_shown`: states stay as long as what others may ask for; else only the
    // latest does.
    OwnState(RunStore& store, Executor& executor, bool is_shown)
        : store_(store), executor_(executor), is_shown_(is_shown) {}
    ~OwnState() { settle(); }
    OwnState(const OwnState&) = delete;
    OwnState& operator=(const OwnState&) = delete;

    // Begins to write the state and then `work`, which names it; waits for what was begun before.
    // Where `work` names no state of the run, the own one's is written, too.
    Status keep(train::WorkerState state, WorkDone work);
    // The digest of the latest state, once it is durable. Wants keep().
    Result<Digest> kept();
    // Waits until nothing is being written.
    void settle() const {
        if (kept_.valid()) kept_.wait();
    }

  private:
    RunStore& store_;
    Executor& executor_;
    const bool is_shown_;
    std::optional<Digest> run_state_;  // that was written with the latest
    std::shared_future<Result<Digest>> kept_;
};

}  // namespace mutirao::node
