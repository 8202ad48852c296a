// StageSeats: the steps of a round.
#include "node/stage_seats.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"
#include "train/outer.hpp"
#include "train/worker_state.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;
using wire::to_field;

constexpr auto kTurn = 50ms;  // at most between two looks at the clock
constexpr auto kLinger = 2s;  // after the steps, for messages that did not arrive yet
constexpr auto kLookPatience = 5s;

double square_distance(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double off = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += off * off;
    }
    return sum;
}

}  // namespace

StageSeats::StageSeats(SeatPlan plan, const train::RunSettings& settings, SeatPorts ports)
    : plan_(std::move(plan)),
      settings_(settings),
      ports_(std::move(ports)),
      stage_(plan_.worker % settings.stages),
      events_(std::make_shared<Inbox<Event>>()) {
    const auto count = plan_.trainers.size() / settings_.stages;
    for (std::uint32_t replica = 0; replica < count; ++replica) {
        auto& route = routes_.emplace_back();
        for (std::uint32_t s = 0; s < settings_.stages; ++s) route.push_back(home(replica, s));
    }
    attempts_.resize(count);
    publish();
}

void StageSeats::open(train::Sampler& sampler, Bytes held_out,
                      std::optional<model::OptimizerState> inner, RunContributions& contributions) {
    sampler_ = &sampler;
    contributions_ = &contributions;
    held_out_ = std::move(held_out);
    inner_ = std::move(inner);
}

model::OptimizerState StageSeats::inner() const {
    if (inner_) return *inner_;
    const auto own = seats_.find(plan_.worker / settings_.stages);
    return own != seats_.end() ? own->second->stage->optimizer_state()
                               : train::fresh_inner(start_.size());
}

std::uint32_t StageSeats::serves() const {
    const std::lock_guard lock(mutex_);
    std::uint32_t out = 0;
    for (const auto& route : view_.routes) out += route[stage_] == plan_.worker;
    return out;
}

train::StagePlace StageSeats::place(std::uint32_t replica) const {
    return {plan_.run, replica, stage_, settings_.stages, settings_.micro_batches};
}

train::StageJob StageSeats::job(Seat& seat) {
    const auto& gpt = *settings_.model.gpt();
    const auto rows = settings_.batch / settings_.micro_batches;
    const auto bytes = settings_.model.example_size();
    return {.rows = rows,
            .values_a_row = std::size_t{gpt.context} * gpt.width,
            .example_bytes = bytes,
            .answers = gpt.context,
            .codec = settings_.activations,
            .learning_rate = [this](auto step) { return settings_.learning_rate_at(step); },
            .examples = [this, &seat, rows, bytes](auto step, auto micro_batch) -> Result<Bytes> {
                TRY(const auto batch, batch_of(seat, step));
                return to_bytes(batch.subspan(micro_batch * rows * bytes, rows * bytes));
            }};
}

// A step that is computed again has the same examples, which count once.
Result<ByteSpan> StageSeats::batch_of(Seat& seat, std::uint64_t step) {
    if (seat.drawn != step) {
        TRY(seat.batch, sampler_->read_batch(seat.replica, step, settings_.batch));
    }
    seat.drawn = step;
    return ByteSpan(seat.batch);
}

Result<std::unique_ptr<StageSeats::Seat>> StageSeats::make_seat(std::uint32_t replica) {
    auto seat = std::make_unique<Seat>();
    seat->replica = replica;
    TRY(seat->stage, ports_.make_stage(start_));
    if (home(replica, stage_) == plan_.worker) {
        if (const auto inner = std::exchange(inner_, std::nullopt))
            TRY_VOID(seat->stage->set_optimizer_state(*inner));
        return seat;
    }
    ++taken_over_;
    LOG_INFO("run " + plan_.run.hex() + ": computes stage " + std::to_string(stage_) +
             " of pipeline " + std::to_string(replica) + " as well");
    return seat;
}

Result<SeatSteps> StageSeats::take_round(const SeatRound& round) {
    TRY_VOID(begin(round));
    std::optional<Duration> done_at;
    while (!ports_.overtaken(round.round) && !gave_up_) {
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
        TRY_VOID(drain());
        TRY(const bool worked, advance());
        if (worked) {
            moved();
            continue;
        }
        // A spare waits until the round is over, or somebody is lost.
        if (all_done() && !(is_spare() && seats_.empty())) {
            if (!done_at) done_at = now();
            if ((retries_.empty() && under_way_ == 0) || now() - *done_at > kLinger) break;
        } else if (now() >= mend_at_ && (troubled_ || now() - heard_at_ > 1s)) {
            mend();
        }
        publish();
        if (auto event = events_->take(kTurn)) (*event)();
    }
    return finish();
}

Status StageSeats::look(const SeatRound& round) {
    auto only = round;
    only.steps = 0;
    TRY_VOID(begin(only));
    const auto until = now() + kLookPatience;
    while (!cancelled_ && !found_.contains(round.round) && now() < until) {
        TRY_VOID(drain());
        TRY(const bool worked, advance());
        if (worked) continue;
        if (auto event = events_->take(kTurn)) (*event)();
    }
    // What was found is on its way to the others.
    while (!cancelled_ && under_way_ > 0 && now() < until)
        if (auto event = events_->take(kTurn)) (*event)();
    (void)finish();
    return {};
}

std::vector<train::PipelineMessage> StageSeats::take_found() {
    std::vector<train::PipelineMessage> out;
    for (auto& [number, message] : found_) out.push_back(std::move(message));
    found_.clear();
    return out;
}

Status StageSeats::begin(const SeatRound& round) {
    round_ = round.round;
    steps_ = round.steps;
    first_ = std::uint64_t{round_} * settings_.local_steps;
    shared_ = round.shared;
    start_ = round.start;
    state_ = round.state;
    weights_ = round.weights;
    working_ = true;
    gave_up_ = false;
    troubled_ = !lost_since_.empty();  // from the rounds before
    for (const auto& [replica, seating] : early_seatings_)
        if (seating.round <= round_ && seating.from.attempt == 0)
            routes_[replica] = seating.workers;
    std::ranges::fill(attempts_, 0);
    ahead_since_.reset();
    retries_.clear();
    moved_at_ = mend_at_ = stepped_at_ = now();
    for (std::uint32_t replica = 0; replica < replicas(); ++replica) {
        if (routes_[replica][stage_] != plan_.worker) {
            seats_.erase(replica);
            continue;
        }
        auto& seat = seats_[replica];
        if (!seat) {
            TRY(seat, make_seat(replica));
        }
        TRY_VOID(begin_steps(*seat, {0, first_, 0}));
        seat->clip.reset();
        if (settings_.privacy.on() && steps_ > 0) seat->clip.emplace(place(replica), round_);
        TRY_VOID(begin_look(*seat));
    }
    auto early = std::move(early_);
    early_.clear();
    for (auto& message : early) take(std::move(message));
    const auto seatings = early_seatings_;
    std::erase_if(early_seatings_, [&](const auto& entry) { return entry.second.round <= round_; });
    for (const auto& [replica, seating] : seatings) take_seating(seating);
    publish();
    return {};
}

Status StageSeats::begin_steps(Seat& seat, const train::PipelineStatus& from) {
    TRY(auto pipeline, train::StagePipeline::make(place(seat.replica), end_of_round(), from));
    seat.worker.emplace(place(seat.replica), std::move(pipeline), job(seat), *seat.stage);
    seat.credits.reset();
    seat.early_probes.clear();
    seat.first = from.step;
    return {};
}

Status StageSeats::begin_look(Seat& seat) {
    TRY_VOID(seat.stage->set_parameters(shared_));
    const auto rows = static_cast<std::uint32_t>(held_out_.size() / settings_.model.example_size());
    seat.look.emplace(place(seat.replica), job(seat), *seat.stage,
                      train::HeldOutPass::Look{round_, rows, state_, train_loss_, weights_});
    if (stage_ != 0) return {};
    TRY(const auto sent, seat.look->begin(held_out_));
    send(seat.replica, sent);
    return enter(seat);
}

// From looking to training.
Status StageSeats::enter(Seat& seat) {
    if (seat.look && seat.look->found()) {
        take(*seat.look->found());
        if (seat.replica == 0) tell_spares(*seat.look->found());
    }
    seat.look.reset();
    return seat.stage->set_parameters(start_);
}

// They look at no losses themselves.
void StageSeats::tell_spares(const train::PipelineMessage& found) {
    v1::PushRequest request;
    request.set_run(to_field(plan_.run.span()));
    request.set_message(
        to_field(train::sign_for_stages(train::encode_pipeline_message(found), ports_.key)));
    const auto count = static_cast<std::uint32_t>(plan_.trainers.size());
    for (auto worker = replicas() * settings_.stages; worker < count; ++worker)
        deliver(std::make_shared<Delivery>(Delivery{worker, found.replica, attempts_[found.replica],
                                                    round_, wire::serialize(request)}));
}

std::vector<std::uint32_t> StageSeats::workers_of(std::uint32_t stage) const {
    std::vector<std::uint32_t> out;
    const auto count = static_cast<std::uint32_t>(plan_.trainers.size());
    for (auto worker = stage; worker < count; worker += settings_.stages) out.push_back(worker);
    return out;
}

Result<bool> StageSeats::advance() {
    bool worked = false;
    for (auto& [replica, seat] : seats_) {
        TRY(const bool moved, advance(*seat));
        worked = worked || moved;
    }
    return worked;
}

Result<bool> StageSeats::advance(Seat& seat) {
    if (!seat.look && seat.worker->finished() && seat.clip && !seat.clip->has_told()) {
        TRY_VOID(tell_length(seat));
        return true;
    }
    if (seat.look || seat.worker->finished()) return false;
    TRY(const bool measured, measure(seat));
    if (measured || (seat.credits && stage_ == 0)) return measured;
    const auto before = seat.worker->status().step;
    if (stage_ == 0 && before > seat.first && ports_.hurry(round_))
        send(seat.replica, seat.worker->end_here());
    TRY(const auto advance, seat.worker->advance());
    send(seat.replica, advance.sent);
    if (seat.worker->status().step > before) {
        longest_step_ = std::max(longest_step_ / 2, now() - stepped_at_);
        stepped_at_ = now();
    }
    return advance.worked;
}

// Of what this stage would send of the round, unless the others' were long.
Status StageSeats::tell_length(Seat& seat) {
    std::vector<float> own(start_.size());
    TRY_VOID(seat.stage->get_parameters(own));
    const auto message = seat.clip->tell(attempts_[seat.replica], square_distance(own, start_));
    std::vector<train::StageWorker::Sent> sent;
    for (std::uint32_t stage = 0; stage < settings_.stages; ++stage)
        if (stage != stage_) sent.push_back({stage, train::encode_pipeline_message(message)});
    send(seat.replica, sent);
    return {};
}

bool StageSeats::is_done(const Seat& seat) const {
    return !seat.look && seat.worker->finished() && (!seat.clip || seat.clip->done());
}

bool StageSeats::all_done() const {
    return std::ranges::all_of(seats_,
                               [this](const auto& entry) { return is_done(*entry.second); });
}

// How much of its steps a seat's trainer may send.
double StageSeats::share_of(const Seat& seat) const {
    return seat.clip ? seat.clip->share(static_cast<double>(settings_.privacy.clip)) : 1;
}

SeatSteps StageSeats::finish() {
    SeatSteps out;
    out.gave_up = gave_up_;
    std::vector<std::pair<const Seat*, std::uint64_t>> trained;
    double loss_sum = 0;
    std::size_t losses = 0;
    for (const auto& [replica, seat] : seats_) {
        const auto steps = seat->worker->status().step - seat->first;
        if (steps > 0 && share_of(*seat) > 0) trained.emplace_back(seat.get(), steps);
        if (share_of(*seat) > 0) out.steps += static_cast<std::uint32_t>(steps);
        for (const auto loss : seat->worker->losses()) loss_sum += loss, ++losses;
    }
    if (losses > 0) out.loss = train_loss_ = loss_sum / static_cast<double>(losses);
    out.local.assign(start_.begin(), start_.end());
    std::vector<float> own(start_.size());
    for (const auto& [seat, steps] : trained) {
        ENSURE(seat->stage->get_parameters(own).ok());
        const bool is_whole = trained.size() == 1 && share_of(*seat) == 1;
        const auto share = static_cast<float>(share_of(*seat) * static_cast<double>(steps) /
                                              static_cast<double>(out.steps));
        if (is_whole) out.local = own;
        for (std::size_t i = 0; !is_whole && i < own.size(); ++i)
            out.local[i] += share * (own[i] - start_[i]);
    }
    working_ = false;
    ++round_;  // comes next
    publish();
    return out;
}

Status StageSeats::drain() {
    while (auto event = events_->take(0ms)) (*event)();
    resend();
    return failure_ ? Status(*failure_) : Status();
}

void StageSeats::moved() { moved_at_ = heard_at_ = now(); }

void StageSeats::note(Status status) {
    // What others send may be wrong; what this trainer computes must not be.
    if (status.ok()) return;
    if (status.error().kind == ErrorKind::corrupt ||
        status.error().kind == ErrorKind::permission_denied)
        LOG_WARN("run " + plan_.run.hex() + ": " + status.error().message);
    else
        failure_ = status.error();
}

}  // namespace mutirao::node
