// StageSeats: who has come to nothing, and who takes its place.
#include <algorithm>

#include "base/log.hpp"
#include "node/stage_seats.hpp"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;
using wire::to_field;

constexpr auto kMendPause = 1s;
constexpr auto kAskDeadline = 1s;
constexpr auto kLostAfter = 2s;  // of not being reached
constexpr Duration kStillMin = 5s;
constexpr std::int64_t kStillSteps = 4;

}  // namespace

Result<v1::SeatReply> StageSeats::seat(const v1::SeatRequest& request) {
    if (request.replica() >= attempts_.size())
        return Error{ErrorKind::invalid_argument, "the run has no such pipeline"};
    if (!request.seating().empty()) {
        TRY(const auto bytes, train::check_for_stages(as_bytes(request.seating()), plan_.trainers));
        TRY(auto seating, train::decode_seating(bytes));
        bool fits = seating.run == plan_.run && seating.replica == request.replica() &&
                    seating.workers.size() == settings_.stages;
        for (std::uint32_t s = 0; fits && s < settings_.stages; ++s)
            fits = seating.workers[s] < plan_.trainers.size() &&
                   seating.workers[s] % settings_.stages == s;
        if (!fits)
            return Error{ErrorKind::permission_denied, "a seating of another run or pipeline"};
        if (closed_ || queued_ >= kQueuedMax)
            return Error{ErrorKind::resource_exhausted, "too many messages wait for this stage"};
        ++queued_;
        events_->put([this, seating = std::move(seating)] {
            --queued_;
            take_seating(seating);
        });
    }
    v1::SeatReply out;
    const std::lock_guard lock(mutex_);
    out.set_round(view_.round);
    out.set_working(view_.working);
    out.set_seats(static_cast<std::uint32_t>(view_.seats.size()));
    for (const auto worker : view_.routes[request.replica()]) out.add_workers(worker);
    const auto seat = view_.seats.find(request.replica());
    if (seat == view_.seats.end()) return out;
    out.set_seated(true);
    out.set_attempt(seat->second.attempt);
    out.set_step(seat->second.step);
    out.set_last_square_sum(seat->second.last_square_sum);
    return out;
}

Result<v1::SeatReply> StageSeats::ask(std::uint32_t worker, std::uint32_t replica,
                                      const Bytes& seating) {
    v1::SeatRequest request;
    request.set_run(to_field(plan_.run.span()));
    request.set_replica(replica);
    request.set_seating(to_field(seating));
    auto reply = wire::call<v1::SeatReply>(ports_.network, plan_.endpoints[worker],
                                           "/mutirao.v1.Train/Seat", request, kAskDeadline);
    if (reply.ok()) lost_since_.erase(worker);
    return reply;
}

// After a failed question.
bool StageSeats::is_lost(std::uint32_t worker) {
    const auto since = lost_since_.try_emplace(worker, now()).first->second;
    return now() - since >= kLostAfter;
}

void StageSeats::mend() {
    mend_at_ = now() + kMendPause;
    troubled_ = false;  // the next failure says so again
    std::vector<std::uint32_t> replicas;
    for (const auto& [replica, seat] : seats_)
        if (!is_done(*seat)) replicas.push_back(replica);
    for (const auto replica : replicas)
        if (const auto seat = seats_.find(replica); seat != seats_.end()) mend(*seat->second);
}

StageSeats::Neighbours StageSeats::neighbours(const Seat& seat) {
    Neighbours out;
    out.workers = routes_[seat.replica];
    out.attempt = attempts_[seat.replica];
    out.here.push_back(seat.worker->status());
    for (std::uint32_t s = 0; s < settings_.stages; ++s)
        if (s != stage_) hear(seat, s, out);
    return out;
}

void StageSeats::hear(const Seat& seat, std::uint32_t stage, Neighbours& out) {
    const auto worker = routes_[seat.replica][stage];
    const auto reply = ask(worker, seat.replica);
    if (!reply.ok()) {
        const auto kind = reply.error().kind;
        const bool silent = kind == ErrorKind::unavailable || kind == ErrorKind::timeout;
        if (silent && is_lost(worker))
            out.lost.push_back(stage);
        else
            out.wait = true;
        return;
    }
    out.round = std::max(out.round, reply->round());
    const std::vector<std::uint32_t> workers(reply->workers().begin(), reply->workers().end());
    if (workers.size() != settings_.stages) return;
    const bool is_here = reply->round() == round_ && reply->working();
    out.ahead = out.ahead || reply->round() > round_;
    out.wait = out.wait || (!is_here && reply->round() <= round_);
    if (is_here && reply->seated()) {
        out.here.push_back({reply->attempt(), reply->step(), reply->last_square_sum()});
        out.before = out.before || stage < stage_;
        // Stages that work together are a step apart at most.
        const auto own = seat.worker->status().step;
        const bool apart = reply->step() > own + 1 || own > reply->step() + 1;
        out.differ = out.differ || apart || reply->attempt() != attempts_[seat.replica];
    }
    out.differ = out.differ || workers != routes_[seat.replica] || (is_here && !reply->seated());
    if (!is_here || reply->attempt() >= out.attempt) out.workers = workers;
    if (is_here) out.attempt = std::max(out.attempt, reply->attempt());
}

void StageSeats::mend(Seat& seat) {
    const auto replica = seat.replica;
    const auto left = neighbours(seat);
    const auto still = std::max(kStillMin, kStillSteps * longest_step_);
    const bool is_home = home(replica, stage_) == plan_.worker;
    const bool is_mine = left.workers[stage_] == plan_.worker;
    // Somebody has taken its place again.
    if (!is_mine && !is_home && left.here.size() > 1) {
        routes_[replica] = left.workers;
        seats_.erase(replica);
        return;
    }
    // The newest seating names others beside this trainer: next time those are asked.
    auto known = left.workers;
    known[stage_] = plan_.worker;
    if (known != routes_[replica]) {
        routes_[replica] = known;
        mend_at_ = now();
        return;
    }
    if (left.ahead || (left.wait && !is_mine)) {
        if (!is_mine && is_home)  // it is back
            tell({plan_.run, replica, std::max(left.round, round_) + 1, {}, known});
        if (!ahead_since_) ahead_since_ = now();
        gave_up_ = left.ahead && now() - *ahead_since_ > still;
        return;
    }
    ahead_since_.reset();
    if (left.wait) return;
    const bool stands_still = now() - moved_at_ > still;
    if (left.lost.empty() && !left.differ && !stands_still) return;
    if (left.before && !left.differ && now() - moved_at_ < 3 * still) return;  // theirs to do
    reseat(seat, left);
}

// Of the same stage, in this round or just past it.
std::optional<StageSeats::Substitute> StageSeats::substitute(std::uint32_t replica,
                                                             std::uint32_t stage) {
    std::optional<Substitute> best;
    std::uint32_t fewest = 0;
    const auto workers = workers_of(stage);
    for (std::size_t i = 1; i < workers.size(); ++i) {
        const auto worker = workers[(replica + i) % workers.size()];
        if (worker == routes_[replica][stage]) continue;
        const auto reply = ask(worker, replica);
        if (!reply.ok() || reply->round() < round_ || reply->round() > round_ + 1) continue;
        if (best && reply->seats() >= fewest) continue;
        best = Substitute{worker, reply->round()};
        fewest = reply->seats();
    }
    return best;
}

void StageSeats::reseat(const Seat& seat, const Neighbours& left) {
    train::Seating seating{plan_.run, seat.replica, round_, train::agree(left.here),
                           routes_[seat.replica]};
    seating.from.attempt = std::max(seating.from.attempt, left.attempt + 1);
    for (const auto stage : left.lost) {
        const auto substitute = this->substitute(seat.replica, stage);
        if (!substitute) return;  // until one comes back
        seating.workers[stage] = substitute->worker;
        seating.round = std::max(seating.round, substitute->round);
    }
    // Whoever has done its part of this round serves from the next one's first step on.
    if (seating.round > round_) seating.from = {};
    tell(seating);
}

// Those who compute the pipeline's stages from now on, and those who may have done so.
void StageSeats::tell(const train::Seating& seating) {
    std::set<std::uint32_t> told(seating.workers.begin(), seating.workers.end());
    for (const auto worker : routes_[seating.replica]) told.insert(worker);
    for (const auto worker : workers_of(stage_)) told.insert(worker);
    told.erase(plan_.worker);
    const auto bytes = train::sign_for_stages(train::encode_seating(seating), ports_.key);
    for (const auto worker : told)
        if (!lost_since_.contains(worker)) (void)ask(worker, seating.replica, bytes);
    LOG_INFO("run " + plan_.run.hex() + ": pipeline " + std::to_string(seating.replica) +
             " has other trainers from round " + std::to_string(seating.round) + " on");
    take_seating(seating);
}

}  // namespace mutirao::node
