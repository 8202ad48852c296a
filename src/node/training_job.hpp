// One training run at one worker: reads the licensed texts, trains, exchanges payloads with the
// other workers, and keeps the finished checkpoint. The role around it (trainer_role.hpp) speaks to
// the outside.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/ports.hpp"
#include "model/backend.hpp"
#include "train/round.hpp"
#include "train/sampler.hpp"

namespace mutirao::node {

struct RoundReport {
    std::uint32_t round = 0;
    double train_loss = 0;
    double held_out_loss = 0;  // measured by worker 0 only; 0 elsewhere
    std::uint64_t tokens = 0;  // this worker's, since the start
    std::uint64_t bytes_sent = 0;
    std::uint64_t allreduce_bytes = 0;
    double tokens_per_second = 0;
};

struct JobProgress {
    std::string phase = "waiting";  // waiting | reading | training | finished | failed
    std::string error;
    std::uint32_t rounds_total = 0;
    std::vector<RoundReport> rounds;  // the first one is round 0: before any step
    std::uint64_t parameters = 0;
    std::vector<std::uint64_t> asset_tokens;
    Digest state_hash;
};

struct JobPlan {
    train::TrainingRun::Identity identity;
    train::RunSettings settings;
    std::vector<std::string> peers;  // endpoints, in worker order; our own is not called
};

// Everything a job needs of the world outside it. All must outlive the job.
struct JobPorts {
    Clock& clock;
    // Texts of the licensed assets, in the plan's order. Called once.
    std::function<Result<std::vector<Bytes>>()> read_texts;
    // Opens the model library; called once.
    std::function<Result<std::unique_ptr<model::Backend>>()> open_backend;
    // Hands our payload to one peer, trying again until it is taken or the deadline passes.
    std::function<Status(const std::string& peer, ByteSpan payload)> push;
};

// run() belongs to one thread; everything else may be called from any thread beside it.
class TrainingJob {
  public:
    TrainingJob(JobPlan plan, JobPorts ports);

    // Blocks until the run is finished or has failed; the outcome is in progress().
    void run();
    // Makes run() fail soon.
    void cancel();

    // A peer's payload. Kept until its round is due; a worker may be ahead by a bounded number of
    // rounds. permission_denied for another run or an unknown worker.
    Status receive(ByteSpan payload);

    JobProgress progress() const;
    // The finished checkpoint (safetensors), or not_found.
    Result<Bytes> checkpoint() const;
    const train::RunId& id() const { return plan_.identity.run; }

  private:
    Status train();
    Status local_steps(model::Model& model, train::TrainingRun& run, train::Sampler& sampler);
    Status exchange(train::TrainingRun& run);
    Result<double> held_out_loss(model::Model& model, const train::Sampler& sampler) const;
    Result<std::vector<train::Payload>> wait_for_round(std::uint32_t round);
    void set_phase(const std::string& phase);

    const JobPlan plan_;
    const JobPorts ports_;
    Duration training_started_{0};
    std::uint64_t tokens_ = 0;
    std::uint64_t bytes_sent_ = 0;
    double last_train_loss_ = 0;

    mutable std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    std::map<std::uint32_t, std::map<std::uint32_t, train::Payload>> inbox_;  // round -> worker
    JobProgress progress_;
    Bytes checkpoint_;
    bool cancelled_ = false;
};

}  // namespace mutirao::node
