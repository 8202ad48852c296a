// One worker's part in a group that trains the same parameters: all trainers of a run
// (training_job.hpp), or those that have one stage of its model (pipelined_job.hpp). It begins from
// its disk, says where it stands, takes the others' state when it lags, makes the outer steps with
// what counted, and keeps the figures that a run tells.
#pragma once

#include <map>
#include <mutex>

#include "node/own_state.hpp"
#include "node/run_data.hpp"
#include "node/run_job.hpp"

namespace mutirao::node {

struct GroupPlan {
    MemberPlan member;
    // Of this worker among those whose payloads count. Its preparation is told to begin().
    train::TrainingRun::Identity identity;
    std::vector<model::Parameter> layout;  // of what is trained; empty when the settings are wrong
    std::uint64_t tokens_max = 0;          // that a payload may claim
    // What is given out for audits stays as long as others may ask for it.
    bool is_audited = false;
};

// How payloads of one fragment's rounds are decoded.
struct PieceCodec {
    std::size_t parameters = 0;
    std::unique_ptr<train::PseudoGradientCodec> codec;
};

// The most that one worker trains on in a round.
std::uint64_t tokens_a_round(const train::RunSettings& settings);
// How long workers whose local steps took so long wait for one another.
train::Patience patience_after(Duration steps_took);

inline constexpr std::uint32_t kHeldOutRows = 48;  // windows that the held-out loss is measured on
inline constexpr Duration kJoinPatience = std::chrono::seconds(3);  // to hear where the others are

// member(), progress() and note(): any thread; everything else belongs to the thread that trains.
class RunGroup {
  public:
    // `settings` and `ports` must outlive it. With secure sums it adds what they need to the
    // member's plan.
    RunGroup(const train::RunSettings& settings, GroupPlan plan, const JobPorts& ports,
             std::unique_ptr<RunStore> store, std::optional<WorkDone> work);

    RunMember& member() { return member_; }
    const RunMember& member() const { return member_; }
    RunStore& store() { return *store_; }
    const RunStore& store() const { return *store_; }
    OwnState& own() { return own_; }
    std::span<const train::Matrix> matrices() const { return matrices_; }
    const train::TrainingRun::Identity& identity() const { return plan_.identity; }
    std::size_t piece_of(std::uint32_t round) const {
        return codecs_[round % codecs_.size()].parameters;
    }

    // The run's data, opened and read.
    Result<RunData> read_data();
    // Counts on from before this process.
    Result<train::Sampler> sampler(const RunData& data) const;
    // From this worker's own disk, or else with the `initial` parameters. What the inner optimizer
    // goes on from, if anything is left of it.
    Result<std::optional<model::OptimizerState>> begin(std::vector<float> initial,
                                                       const Digest& preparation);
    train::TrainingRun& run() { return *run_; }
    const train::TrainingRun& run() const { return *run_; }
    // It owes and holds all that it did before: it is new, or began from its own state.
    bool is_exact() const { return goes_on_ || !work_; }
    // As a worker that takes the others' state, although the state is its own.
    Status owe_nothing();

    // Tells the others where it stands; what it goes on from, to be kept.
    Result<WorkDone> stand(const train::Sampler& sampler);
    // After finish_round(), before the payload is said: durable when it returns. Whoever goes on
    // from there need not take the round's steps again, which a stage cannot alone. `payload` may
    // be empty: there is nothing to say.
    Status keep_finished(const train::Sampler& sampler, model::OptimizerState inner,
                         ByteSpan payload);
    // Before other work: says what was finished before a crash and not said, if there is any.
    Status say_finished();
    // A worker that comes late, or back, first asks where the others are. What they may still hand
    // over of their last round is better than their state, which knows nothing of this worker.
    // Whether it took their state.
    Result<bool> join();
    // Takes the others' state.
    Status heal(train::Agreement::Elsewhere where);

    struct Applied {
        std::uint32_t round = 0;
        train::RoundValue value;
        std::vector<train::Payload> payloads;
    };
    struct Exchanged {
        std::optional<Applied> applied;
        bool healed = false;  // the others were elsewhere, and it took their state
    };
    // Waits for the round that is due, if one is, and makes its outer step.
    Result<Exchanged> exchange();
    // Says a payload that the run made from `base`; masked where the settings want that.
    Status say(std::uint32_t round, const Digest& base, ByteSpan payload);

    // Local steps of so many tokens took so long; before finish_round().
    void count_steps(std::uint64_t tokens, Duration took);
    void count_loss(double train_loss) { train_loss_ = train_loss; }
    double train_loss() const { return train_loss_; }
    std::uint64_t tokens() const { return tokens_; }
    // By whatever else of this job sends.
    void count_sent_beside(std::function<std::uint64_t()> bytes) { beside_ = std::move(bytes); }
    // What progress() is to say of `round`, but for the held-out loss.
    RoundReport figures(std::uint32_t round) const;

    JobProgress progress() const;
    void note(const std::function<void(JobProgress&)>& change);
    // The outcome of run(), behind which nothing is written any more.
    void end(const Status& status);
    // From now on its speed is measured. `parameters` are the whole model's.
    void begin_training(std::uint64_t parameters);

  private:
    void set_phase(const std::string& phase);
    Status check(const train::Payload& payload) const;
    WorkDone work_done(const train::Sampler& sampler) const;
    Result<std::vector<train::Payload>> payloads_of(const train::RoundValue& value) const;
    std::uint64_t bytes_sent() const;

    const train::RunSettings& settings_;
    const JobPorts& ports_;
    GroupPlan plan_;
    const std::unique_ptr<RunStore> store_;
    const std::optional<WorkDone> work_;  // from before this process
    const std::vector<train::Matrix> matrices_;
    const std::vector<PieceCodec> codecs_;  // of the member's loop
    RunMember member_;
    OwnState own_;
    std::optional<train::TrainingRun> run_;
    bool goes_on_ = false;
    Duration training_started_{0}, all_steps_took_{0}, counted_{0};
    std::map<std::uint32_t, Duration> undecided_;  // what the steps of such rounds took
    std::uint64_t tokens_ = 0;
    double train_loss_ = 0;  // of the last round with steps
    std::function<std::uint64_t()> beside_;

    mutable std::mutex mutex_;  // guards what follows
    JobProgress progress_;
};

}  // namespace mutirao::node
