// StageSeats: messages between stages, and who sits where.
#include <algorithm>

#include "base/log.hpp"
#include "node/stage_seats.hpp"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;
using wire::to_field;

constexpr auto kPushDeadline = 30s;
constexpr auto kRetryAfter = 300ms;
constexpr std::size_t kEarlyMax = 4096;  // messages of what comes later
constexpr std::size_t kFoundMax = 8;

bool is_of_a_look(const train::PipelineMessage& message) {
    return message.kind == train::PipelineKind::held_out ||
           message.kind == train::PipelineKind::found;
}

std::uint32_t round_of(const train::PipelineMessage& message, std::uint32_t local_steps) {
    const bool is_a_round = is_of_a_look(message) || message.kind == train::PipelineKind::length;
    return static_cast<std::uint32_t>(is_a_round ? message.step : message.step / local_steps);
}

}  // namespace

void StageSeats::take(train::PipelineMessage message) {
    if (message.kind == train::PipelineKind::found) {
        if (message.states.size() != settings_.stages || !contributions_->fits(message.weights))
            return;
        const auto number = message.step;
        found_.try_emplace(number, std::move(message));
        if (found_.size() > kFoundMax) found_.erase(found_.begin());
        return;
    }
    const auto round = round_of(message, settings_.local_steps);
    if (round < round_) return;
    const auto seat = seats_.find(message.replica);
    if (!working_ || round > round_ || seat == seats_.end()) {
        if (early_.size() < kEarlyMax) early_.push_back(std::move(message));
        return;
    }
    auto& at = *seat->second;
    const bool is_length = message.kind == train::PipelineKind::length;
    const bool is_of_a_pass = message.kind > train::PipelineKind::length;
    if ((is_length || is_of_a_pass) && message.attempt > attempts_[at.replica]) {
        if (early_.size() < kEarlyMax) early_.push_back(std::move(message));
        return;
    }
    const auto receive = [&]() -> Status {
        if (is_length)
            return at.clip && message.attempt == attempts_[at.replica] ? at.clip->receive(message)
                                                                       : Status();
        if (is_of_a_pass) return probe(at, std::move(message));
        if (!is_of_a_look(message)) {
            TRY(const auto sent, at.worker->receive(std::move(message)));
            send(at.replica, sent);
            return {};
        }
        if (!at.look) return {};
        TRY(const auto sent, at.look->receive(message));
        send(at.replica, sent);
        return at.look->done() ? enter(at) : Status();
    };
    note(receive());
    moved();
}

void StageSeats::take_seating(const train::Seating& seating) {
    for (const auto worker : seating.workers) lost_since_.erase(worker);
    // Of attempt 0: from a round's beginning on, this one or a later one.
    const bool is_later = seating.round > round_ || (seating.round == round_ && !working_);
    if (is_later || seating.from.attempt == 0)
        early_seatings_.insert_or_assign(seating.replica, seating);
    else if (seating.round == round_ && seating.from.attempt > attempts_[seating.replica])
        note(sit(seating));
}

Status StageSeats::sit(const train::Seating& seating) {
    const auto replica = seating.replica;
    attempts_[replica] = seating.from.attempt;
    routes_[replica] = seating.workers;
    moved();
    troubled_ = false;
    if (seating.workers[stage_] != plan_.worker) {
        seats_.erase(replica);
        return {};
    }
    auto& seat = seats_[replica];
    const bool is_new = !seat;
    if (is_new) {
        TRY(seat, make_seat(replica));
    }
    if (seat->look) TRY_VOID(enter(*seat));  // that look is lost
    if (settings_.privacy.on() && steps_ > 0 && !seat->clip)
        seat->clip.emplace(place(replica), round_);
    if (seat->clip) seat->clip->seat_anew();
    seat->credits.reset();  // nobody measures the step that is computed again
    seat->early_probes.clear();
    seat->measured = seating.from.step;
    // Whoever cannot go on from there begins there.
    if (is_new || !seat->worker->take_up(seating.from).ok())
        TRY_VOID(begin_steps(*seat, seating.from));
    auto early = std::move(early_);
    early_.clear();
    for (auto& message : early) take(std::move(message));
    return {};
}

void StageSeats::send(std::uint32_t replica, const std::vector<train::StageWorker::Sent>& sent) {
    for (const auto& [stage, message] : sent) {
        v1::PushRequest request;
        request.set_run(to_field(plan_.run.span()));
        request.set_message(to_field(train::sign_for_stages(message, ports_.key)));
        deliver(std::make_shared<Delivery>(Delivery{routes_[replica][stage], replica,
                                                    attempts_[replica], round_,
                                                    wire::serialize(request)}));
    }
}

void StageSeats::deliver(std::shared_ptr<Delivery> delivery) {
    ++under_way_;
    bytes_sent_ += delivery->request.size();
    ports_.network.start(
        plan_.endpoints[delivery->worker], "/mutirao.v1.Train/Push",
        mutirao::Message{{delivery->request}, delivery}, kPushDeadline,
        [this, events = events_, delivery](Result<Bytes> reply) {
            events->put([this, delivery, arrived = reply.ok()] { delivered(delivery, arrived); });
        });
}

void StageSeats::delivered(std::shared_ptr<Delivery> delivery, bool arrived) {
    --under_way_;
    if (arrived || !working_ || delivery->round != round_ ||
        delivery->attempt != attempts_[delivery->replica])
        return;
    troubled_ = true;
    retries_.push_back({now() + kRetryAfter, std::move(delivery)});
}

void StageSeats::resend() {
    for (std::size_t i = retries_.size(); i-- > 0;) {
        if (retries_[i].at > now()) continue;
        auto delivery = std::move(retries_[i].delivery);
        retries_.erase(retries_.begin() + static_cast<std::ptrdiff_t>(i));
        if (delivery->attempt == attempts_[delivery->replica]) deliver(std::move(delivery));
    }
}

void StageSeats::publish() {
    const std::lock_guard lock(mutex_);
    view_ = {round_, working_, routes_, {}};
    for (const auto& [replica, seat] : seats_)
        if (seat->worker) view_.seats[replica] = seat->worker->status();
}

Result<v1::PushReply> StageSeats::push(const v1::PushRequest& request) {
    if (closed_) return Error{ErrorKind::unavailable, "this trainer is done with the run"};
    if (queued_ >= kQueuedMax)
        return Error{ErrorKind::resource_exhausted, "too many messages wait for this stage"};
    TRY(const auto bytes, train::check_for_stages(as_bytes(request.message()), plan_.trainers));
    TRY(auto message, train::decode_pipeline_message(bytes));
    if (message.run != plan_.run || message.replica >= attempts_.size())
        return Error{ErrorKind::permission_denied, "a message of another run, or of no pipeline"};
    ++queued_;
    events_->put([this, message = std::move(message)]() mutable {
        --queued_;
        take(std::move(message));
    });
    return v1::PushReply{};
}

}  // namespace mutirao::node
