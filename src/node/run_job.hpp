// What the trainer role needs of a run at this trainer, whether it has the whole model
// (training_job.hpp) or one stage of it (pipelined_job.hpp), and what such a job gets and tells.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/ports.hpp"
#include "model/backend.hpp"
#include "node/kept_checkpoints.hpp"
#include "node/run_member.hpp"
#include "node/run_objects.hpp"
#include "train/settings.hpp"

namespace mutirao::node {

class StageSeats;

struct RoundReport {
    std::uint32_t round = 0;  // rounds behind it
    double train_loss = 0;
    double held_out_loss = 0;  // measured by worker 0 only; 0 elsewhere
    std::uint64_t tokens = 0;  // this worker's, since the start
    std::uint64_t bytes_sent = 0;
    std::uint64_t allreduce_bytes = 0;
    double tokens_per_second = 0;
    double steps_seconds = 0;    // in local steps, since this process began the run
    double counted_seconds = 0;  // of these, in steps whose payload counted in a round
};

struct JobProgress {
    std::string phase = "waiting";  // waiting | reading | training | finished | failed
    std::string error;
    std::uint32_t rounds_total = 0;
    std::uint32_t round = 0;          // whose local steps come next
    std::vector<RoundReport> rounds;  // the first one is before any step of this process
    std::uint64_t parameters = 0;
    std::vector<std::uint64_t> asset_tokens;
    Digest state_hash;
    std::uint32_t healed = 0;
    std::uint32_t left_out = 0;
    std::set<std::uint32_t> cheaters;
    std::uint32_t audited = 0;  // rounds of others that it computed again
    double epsilon = 0;         // what its payloads so far cost its privacy; 0 without
    // Of a model in stages: which one is here, and for how many pipelines.
    std::uint32_t stages = 1, stage = 0, serves = 0, taken_over = 0;

    bool ended() const { return phase == "finished" || phase == "failed"; }
};

struct JobPlan {
    train::RunSettings settings;
    MemberPlan member;
    std::uint32_t checkpoint_every = 0;             // rounds; 0: only when finished
    Duration hand_over = std::chrono::seconds(60);  // for what an audited worker has to show
};

// Everything a job needs of the world outside it. All must outlive the job.
struct JobPorts {
    Clock& clock;
    Random& random;
    Network& network;
    Executor& executor;  // for writes and loads beside the steps: kShardLoads + 1 threads at times
    const crypto::AccountKey& key;
    // The licensed objects, in the plan's order. Called once.
    std::function<Result<RunObjects>()> open_objects;
    // Opens the model library; called once.
    std::function<Result<std::unique_ptr<model::Backend>>()> open_backend;
    // Tells the ledger that all workers hold these parameters after `round`, and what each object
    // contributed to it (RunContributions::weights()). Must not block.
    std::function<void(std::uint32_t round, const Digest& shared,
                       const std::vector<std::uint32_t>& weights)>
        report_round;
};

// run(), serve() and witness() belong to one thread each; everything else may be called from any
// thread beside them.
class RunJob {
  public:
    virtual ~RunJob() = default;
    // Blocks until the run is finished or has failed and nothing of it is being written; the
    // outcome is in progress().
    virtual void run() = 0;
    // Serves other workers until cancel().
    virtual void serve() = 0;
    // The same for a group that this trainer only witnesses; returns at once when there is none.
    virtual void witness() {}
    // Makes run() fail and the others return soon.
    virtual void cancel() = 0;

    virtual JobProgress progress() const = 0;
    // Safetensors, or a stage's piece of it; the last one is the finished model's once the run is.
    virtual const KeptCheckpoints& checkpoints() const = 0;
    virtual const train::RunId& id() const = 0;
    virtual Result<Bytes> begun_with() const = 0;
    // Its part in what a group agrees on, by the name that the group's messages have; null when it
    // has none.
    virtual RunMember* member_of(const train::RunId& group) = 0;
    // Null unless the model is cut into stages.
    virtual StageSeats* seats() { return nullptr; }
};

}  // namespace mutirao::node
