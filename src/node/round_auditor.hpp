// One worker's looks at the rounds of the others (train/recompute.hpp): each chosen round is
// computed again from the state that its worker committed to and hands over, the payload compared,
// and the state after it with what the worker says its next round began with. What is not here yet
// is fetched while the run goes on.
//
// A worker begins from its own state before, or as anybody would that takes the others' (after it
// lagged or lost its disk): owing nothing, with a fresh inner optimizer. Everything else is a lie,
// and so is a payload that does not come out again, or a state that a worker which is there does
// not hand over.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "model/backend.hpp"
#include "node/run_contributions.hpp"
#include "node/run_member.hpp"
#include "train/recompute.hpp"

namespace mutirao::node {

// Rounds before the next one that workers of audited runs keep for one another.
inline constexpr std::uint32_t kAuditedRoundsKept = 8;

// Borrowed for as long as the auditor lives.
struct AuditorPorts {
    RunMember& member;
    RunStore& store;
    const train::RunSettings& settings;
    std::span<const train::Matrix> matrices;
    train::TrainingRun::Identity self;
    Duration hand_over;  // what a worker that is there has for showing its state
};

// One thread at a time.
class RoundAuditor {
  public:
    // `model` and `sampler` are its own to overwrite, `contributions` measure nothing else.
    RoundAuditor(AuditorPorts ports, std::unique_ptr<model::Model> model, train::Sampler sampler,
                 RunContributions contributions);

    // The run state that all workers stand on before `round`, a blob in the store.
    void stands(std::uint32_t round, const Digest& run_state);
    // A decided round was applied: chooses whom to look at, hears what others found, and looks at
    // whatever is here. Errors are the disk's and the model's. Cost: the local steps of each round
    // that is looked at; what is two rounds late is waited for.
    Status applied(std::uint32_t round, const train::RoundValue& value);
    // After the last round, which each worker looks at, too: looks at what is left, waits for the
    // others to do so, and looks at what they found.
    Status finish();
    // This worker took the others' state: what came before is not looked at any more.
    void forget();
    // Rounds that it came to know something of.
    std::uint32_t looked_at() const { return looked_at_; }

  private:
    struct Look {
        std::uint32_t worker = 0, round = 0;
        std::optional<std::uint32_t> accuser;
    };
    enum class Verdict : std::uint8_t { honest, guilty, unknown };
    void hear_out();
    Status look(bool to_the_end);
    Result<Verdict> verdict(const Look& look, bool waits);
    Result<Verdict> look_after(const Look& look, train::Recomputed& again, bool waits);
    // Of a look's worker. not_found: it does not hand it over; unavailable: it may come later.
    Result<Bytes> piece(const Look& look, const Digest& blob, bool waits);
    // Of what all workers have; unavailable when this one does not keep it any more.
    Result<Bytes> kept(const Digest& blob) const;
    Result<std::optional<train::Payload>> payload_of(const Look& look, std::uint32_t round,
                                                     bool waits);
    // Nothing: not what its worker may begin with.
    Result<std::optional<train::WorkerState>> state_before(const Look& look,
                                                           const Digest& committed, bool waits);
    Result<train::Recomputed> compute_again(const Look& look, const train::WorkerState& before,
                                            std::uint32_t steps);
    // As a worker that takes the others' state before a round has it.
    Result<train::TrainingRun> fresh_run(std::uint32_t worker, std::uint32_t round) const;
    static train::WorkerState fresh(const train::TrainingRun& run);
    Status apply_due(train::Recomputed& again) const;
    train::RecomputedWorker whose(std::uint32_t worker) const;

    const AuditorPorts ports_;
    const std::unique_ptr<model::Model> model_;
    train::Sampler sampler_;
    RunContributions contributions_;
    std::map<std::uint32_t, Digest> states_;  // of the run, by the round that follows
    std::map<std::uint32_t, train::RoundValue> values_;
    std::deque<Look> looks_;
    std::set<std::uint32_t> wrong_accusers_;
    std::uint32_t applied_ = 0, looked_at_ = 0;
};

}  // namespace mutirao::node
