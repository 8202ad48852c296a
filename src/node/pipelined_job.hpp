// One training run at one worker when the model is cut into stages (train/pipeline.hpp): worker w
// has stage w modulo stages of pipeline w / stages, and never the whole model. It trains with the
// others of its pipeline (stage_seats.hpp), and agrees with those that have the same stage on what
// counts (run_member.hpp). Where only two have a stage, a trainer of the next stage witnesses their
// agreement, so that it survives one of them. Trainers beyond whole pipelines are spares: each
// holds what its stage shares, and serves where somebody is lost.
#pragma once

#include "node/run_group.hpp"
#include "node/stage_seats.hpp"

namespace mutirao::node {

// Opens what this trainer keeps of a group that it witnesses.
using OpenStore = std::function<Result<std::unique_ptr<RunStore>>(const train::RunId& group)>;

// run() belongs to one thread; everything else may be called from any thread beside it.
class PipelinedJob final : public RunJob {
  public:
    // invalid_argument when the settings have no stages, the trainers make no pipeline, or one of
    // them cannot be called. `store` is of the run. Errors of the disk.
    static Result<std::unique_ptr<PipelinedJob>> make(JobPlan plan, JobPorts ports,
                                                      std::unique_ptr<RunStore> store,
                                                      std::optional<WorkDone> work,
                                                      const OpenStore& open_store);

    void run() override;
    void serve() override { group_.member().loop(); }
    void witness() override;
    void cancel() override;
    JobProgress progress() const override;
    const KeptCheckpoints& checkpoints() const override { return checkpoints_; }
    const train::RunId& id() const override { return plan_.member.run; }
    Result<Bytes> begun_with() const override { return group_.store().plan(); }
    RunMember* member_of(const train::RunId& group) override;
    StageSeats* seats() override { return &seats_; }

  private:
    struct Desk {  // what training works on
        train::Sampler sampler;
        const RunData& data;
        Bytes held_out;
        RunContributions contributions;
    };
    // Of the shared parameters that a look was at.
    struct LookedAt {
        RoundReport figures;
        Digest state;
        std::optional<std::uint32_t> applied;  // the last round behind them
    };

    PipelinedJob(JobPlan plan, JobPorts ports, std::unique_ptr<RunStore> store,
                 std::optional<WorkDone> work, std::unique_ptr<RunStore> witnessed);
    std::uint32_t pipelines() const {
        return static_cast<std::uint32_t>(plan_.member.trainers.size()) / plan_.settings.stages;
    }
    std::uint32_t stage() const { return plan_.member.worker % plan_.settings.stages; }

    train::RunSettings measured() const;
    Status train();
    Status train_on(Desk& desk);
    Result<std::vector<float>> initial(const RunData& data) const;
    Result<std::unique_ptr<model::Stage>> make_stage(std::span<const float> trained) const;
    Status stand(Desk& desk);
    Status healed(Desk& desk);
    Status local_steps(Desk& desk);
    Status exchange(Desk& desk);
    Status keep_checkpoint(Desk& desk);
    Status finish(Desk& desk);
    SeatRound seat_round(std::uint32_t steps);
    Status note_found(Desk& desk);
    Status report(Desk& desk, const train::PipelineMessage& found, const LookedAt& at);

    const JobPlan plan_;
    const JobPorts ports_;
    const model::StageRange range_;
    RunGroup group_;
    const std::unique_ptr<RunGroup> witnessed_;  // null when this trainer witnesses none
    StageSeats seats_;
    KeptCheckpoints checkpoints_;
    std::map<std::uint64_t, LookedAt> looks_;
    std::optional<std::uint32_t> applied_;
    std::vector<float> base_;             // this stage's of what adapters adapt
    std::vector<std::uint32_t> weights_;  // of that round, where this is the first stage
    bool takes_state_ = false;            // the others', which is to be kept
};

}  // namespace mutirao::node
