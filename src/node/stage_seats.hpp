// The stages of pipelines that this trainer computes: its own, and those of pipelines that lost
// theirs. Activations and gradients go to and come from the trainers of the stages beside it, in
// signed messages (train/pipeline_message.hpp).
//
// A trainer that nothing comes to for a while asks those of its pipeline where they are. Whoever
// cannot be reached is replaced by another trainer of the same stage, which has the same shared
// parameters; the first of the stages that are left tells all others who sits where, and from which
// step they go on (train::Seating). Whoever comes back takes its own seat again.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "base/inbox.hpp"
#include "mutirao/v1/train.pb.h"
#include "node/run_contributions.hpp"
#include "train/held_out_pass.hpp"
#include "train/sampler.hpp"
#include "train/settings.hpp"
#include "train/shared_clip.hpp"

namespace mutirao::node {

struct SeatPlan {
    train::RunId run;
    std::uint32_t worker = 0;
    // Of the run; worker w has stage w modulo stages. Those beyond whole pipelines are spares.
    std::vector<Address> trainers;
    std::vector<std::string> endpoints;
};

// All must outlive the seats.
struct SeatPorts {
    Clock& clock;
    Network& network;
    const crypto::AccountKey& key;
    // Work for this round would not count any more.
    std::function<bool(std::uint32_t round)> overtaken;
    // Enough others are ready for it.
    std::function<bool(std::uint32_t round)> hurry;
    // This trainer's stage with these parameters of what is trained, and a fresh inner optimizer.
    std::function<Result<std::unique_ptr<model::Stage>>(std::span<const float>)> make_stage;
};

struct SeatRound {
    std::uint32_t round = 0;  // also the number of the look at the held-out loss
    std::uint32_t steps = 0;
    std::span<const float> shared, start;  // this stage's, for the call
    Digest state;                          // state_hash() of `shared`
    // What each object contributed to the round before, where this is the first stage.
    std::vector<std::uint32_t> weights = {};
};

struct SeatSteps {
    // Mean over the seats, by their steps; `start` when there were none.
    std::vector<float> local;
    std::uint32_t steps = 0;  // of all seats together
    double loss = 0;          // mean training loss, nats a token; at the last stage only
    bool gave_up = false;     // the others of the pipeline are behind this round
};

class StageSeats {
  public:
    // `settings` are valid, with stages above 1.
    StageSeats(SeatPlan plan, const train::RunSettings& settings, SeatPorts ports);

    // Of the thread that trains. The first stage draws its examples from `sampler`, which must
    // outlive all rounds, and measures what they do; the inner optimizer of its own pipeline's
    // stage goes on from `inner`. Once, before the first round.
    void open(train::Sampler& sampler, Bytes held_out, std::optional<model::OptimizerState> inner,
              RunContributions& contributions);
    // The inner optimizer's of its own pipeline's stage; as before the first step when somebody
    // else serves that.
    model::OptimizerState inner() const;
    // Looks at the held-out loss of the shared parameters, then takes the round's steps: of all
    // seats, until they end or somebody else decided the round. Errors are the model's;
    // unavailable after cancel().
    Result<SeatSteps> take_round(const SeatRound& round);
    // Only looks, at the end; waits a few seconds at most for what is found.
    Status look(const SeatRound& round);
    // What looks found since the last call.
    std::vector<train::PipelineMessage> take_found();
    // Nobody is served any more.
    void close() { closed_ = true; }

    // Any thread.
    void cancel() { cancelled_ = true; }
    std::uint64_t bytes_sent() const { return bytes_sent_; }
    std::uint32_t serves() const;                             // pipelines
    std::uint32_t taken_over() const { return taken_over_; }  // seats of others, so far
    Result<v1::PushReply> push(const v1::PushRequest& request);
    Result<v1::SeatReply> seat(const v1::SeatRequest& request);

  private:
    struct Seat {
        std::uint32_t replica = 0;
        std::unique_ptr<model::Stage> stage;
        std::optional<train::HeldOutPass> look;  // until it is done
        std::optional<train::StageWorker> worker;
        std::optional<train::SharedClip> clip;             // with privacy
        std::optional<train::CreditPasses> credits;        // of the step that comes next
        std::optional<std::uint64_t> measured;             // the latest step that was looked at
        std::vector<train::PipelineMessage> early_probes;  // of a step that is not there yet
        std::uint64_t first = 0;                           // its first step of this round
        std::optional<std::uint64_t> drawn;                // the step that `batch` is of
        Bytes batch;
    };
    struct Delivery {
        std::uint32_t worker = 0, replica = 0, attempt = 0, round = 0;
        Bytes request;
    };
    struct Retry {
        Duration at{0};
        std::shared_ptr<Delivery> delivery;
    };
    // What the others of a pipeline say.
    struct Neighbours {
        std::vector<train::PipelineStatus> here;
        std::vector<std::uint32_t> lost;     // stages
        std::vector<std::uint32_t> workers;  // by stage, as the newest seating has it
        std::uint32_t attempt = 0;           // of that
        std::uint32_t round = 0;             // the latest that one of them is at
        bool wait = false;                   // one has not begun this round
        bool ahead = false, differ = false, before = false;
    };
    struct Substitute {
        std::uint32_t worker = 0, round = 0;
    };
    using Event = std::function<void()>;

    Duration now() { return ports_.clock.monotonic(); }
    std::uint32_t replicas() const { return static_cast<std::uint32_t>(routes_.size()); }
    std::uint32_t home(std::uint32_t replica, std::uint32_t stage) const {
        return replica * settings_.stages + stage;
    }
    bool is_last() const { return stage_ + 1 == settings_.stages; }
    // Of no pipeline: it serves where one is lost.
    bool is_spare() const { return plan_.worker >= replicas() * settings_.stages; }
    // That have a stage.
    std::vector<std::uint32_t> workers_of(std::uint32_t stage) const;
    train::StagePlace place(std::uint32_t replica) const;
    train::StageJob job(Seat& seat);
    std::uint64_t end_of_round() const { return first_ + steps_; }

    Status begin(const SeatRound& round);
    Result<std::unique_ptr<Seat>> make_seat(std::uint32_t replica);
    Status begin_look(Seat& seat);
    Status enter(Seat& seat);
    void tell_spares(const train::PipelineMessage& found);
    Status begin_steps(Seat& seat, const train::PipelineStatus& from);
    Result<bool> advance();
    Result<bool> advance(Seat& seat);
    Status tell_length(Seat& seat);
    Result<bool> measure(Seat& seat);
    Status probe(Seat& seat, train::PipelineMessage message);
    Result<ByteSpan> batch_of(Seat& seat, std::uint64_t step);
    bool is_done(const Seat& seat) const;
    bool all_done() const;
    double share_of(const Seat& seat) const;
    SeatSteps finish();
    Status drain();

    void take(train::PipelineMessage message);
    void take_seating(const train::Seating& seating);
    Status sit(const train::Seating& seating);
    void note(Status status);
    void send(std::uint32_t replica, const std::vector<train::StageWorker::Sent>& messages);
    void deliver(std::shared_ptr<Delivery> delivery);
    void delivered(std::shared_ptr<Delivery> delivery, bool arrived);
    void resend();
    void moved();
    void publish();

    void mend();
    void mend(Seat& seat);
    Neighbours neighbours(const Seat& seat);
    void hear(const Seat& seat, std::uint32_t stage, Neighbours& out);
    Result<v1::SeatReply> ask(std::uint32_t worker, std::uint32_t replica,
                              const Bytes& seating = {});
    bool is_lost(std::uint32_t worker);
    std::optional<Substitute> substitute(std::uint32_t replica, std::uint32_t stage);
    void reseat(const Seat& seat, const Neighbours& left);
    void tell(const train::Seating& seating);

    const SeatPlan plan_;
    const train::RunSettings settings_;
    const SeatPorts ports_;
    const std::uint32_t stage_;
    const std::shared_ptr<Inbox<Event>> events_;  // shared with answers that come late
    std::atomic<bool> cancelled_ = false, closed_ = false;
    std::atomic<std::uint64_t> bytes_sent_ = 0;
    static constexpr std::uint32_t kQueuedMax = 8192;  // messages that nobody has looked at yet
    std::atomic<std::uint32_t> queued_ = 0, taken_over_ = 0;

    // Of the thread that trains.
    train::Sampler* sampler_ = nullptr;
    RunContributions* contributions_ = nullptr;
    std::vector<std::uint32_t> weights_;  // SeatRound's
    Bytes held_out_;
    std::optional<model::OptimizerState> inner_;            // until its own seat is made
    std::map<std::uint32_t, std::unique_ptr<Seat>> seats_;  // by replica
    std::vector<std::vector<std::uint32_t>> routes_;        // by replica: the worker of each stage
    std::vector<std::uint32_t> attempts_;                   // by replica, in this round
    std::uint32_t round_ = 0, steps_ = 0;
    std::uint64_t first_ = 0;
    std::span<const float> shared_, start_;  // of the round
    Digest state_;
    bool working_ = false, gave_up_ = false, troubled_ = false;
    double train_loss_ = 0;
    std::vector<train::PipelineMessage> early_;
    std::map<std::uint32_t, train::Seating> early_seatings_;
    std::map<std::uint64_t, train::PipelineMessage> found_;
    std::vector<Retry> retries_;
    std::uint32_t under_way_ = 0;  // deliveries
    Duration moved_at_{0}, heard_at_{0}, mend_at_{0}, stepped_at_{0}, longest_step_{0};
    std::optional<Duration> ahead_since_;
    std::map<std::uint32_t, Duration> lost_since_;
    std::optional<Error> failure_;

    struct View {
        std::uint32_t round = 0;
        bool working = false;
        std::vector<std::vector<std::uint32_t>> routes;
        std::map<std::uint32_t, train::PipelineStatus> seats;
    };
    mutable std::mutex mutex_;  // guards view_
    View view_;
};

}  // namespace mutirao::node
