// One training run at one worker: reads the licensed texts, trains, agrees with the other workers
// on what counts (run_member.hpp), heals when it lags or differs, goes on from its own disk after a
// crash, and keeps its latest checkpoints. The role around it (trainer_role.hpp) speaks to the
// outside.
#pragma once

#include "node/run_group.hpp"
#include "train/round.hpp"
#include "train/sampler.hpp"

namespace mutirao::node {

// run() belongs to one thread; everything else may be called from any thread beside it.
class TrainingJob final : public RunJob {
  public:
    TrainingJob(JobPlan plan, JobPorts ports, std::unique_ptr<RunStore> store,
                std::optional<WorkDone> work);

    void run() override { group_.end(train()); }
    void serve() override { member().loop(); }
    void cancel() override { member().cancel(); }

    RunMember& member() { return group_.member(); }
    RunMember* member_of(const train::RunId& group) override {
        return group == id() ? &member() : nullptr;
    }
    JobProgress progress() const override { return group_.progress(); }
    const KeptCheckpoints& checkpoints() const override { return checkpoints_; }
    const train::RunId& id() const override { return plan_.member.run; }
    Result<Bytes> begun_with() const override { return group_.store().plan(); }

  private:
    struct Desk;  // what training works on: model, sampler
    Status train();
    Status train_on(Desk& desk);
    Status begin_to_audit(Desk& desk);
    Status begin_anew(Desk& desk);
    std::optional<std::uint32_t> steps_said(const Digest& payload) const;
    Status stand(Desk& desk);
    Status keep_own(Desk& desk, WorkDone work);
    Status keep_checkpoint(Desk& desk);
    Status local_steps(Desk& desk);
    Status exchange(Desk& desk);
    Status healed(Desk& desk);
    Status report(Desk& desk);
    Status finish(Desk& desk);
    Result<double> held_out_loss(Desk& desk) const;

    const JobPlan plan_;
    const JobPorts ports_;
    RunGroup group_;
    KeptCheckpoints checkpoints_;
};

}  // namespace mutirao::node
