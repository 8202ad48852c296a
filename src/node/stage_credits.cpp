// StageSeats: what the examples of a step do, measured before it (train/credit_passes.hpp).
#include "node/stage_seats.hpp"

namespace mutirao::node {

// The first stage begins; the others take up what came too early, once they are at its step.
// Whether anything was done.
Result<bool> StageSeats::measure(Seat& seat) {
    const auto step = seat.worker->status().step;
    if (seat.credits && seat.credits->step() < step) seat.credits.reset();
    if (stage_ != 0) {
        auto probes = std::exchange(seat.early_probes, {});
        for (auto& message : probes) TRY_VOID(probe(seat, std::move(message)));
        return false;
    }
    if (seat.credits) {
        if (!seat.credits->done()) return false;
        TRY_VOID(contributions_->add(*seat.credits));
        seat.credits.reset();
        return true;
    }
    if (settings_.contributions_every == 0 || (seat.measured && *seat.measured >= step))
        return false;
    seat.measured = step;
    if (step % settings_.contributions_every != 0) return false;
    TRY(const auto batch, batch_of(seat, step));
    TRY(auto parts, contributions_->parts(*sampler_, seat.replica, step, batch));
    if (!parts) return false;
    seat.credits.emplace(place(seat.replica), job(seat), *seat.stage, attempts_[seat.replica],
                         step);
    TRY(const auto sent, seat.credits->begin(std::move(*parts)));
    send(seat.replica, sent);
    return true;
}

// Of a pass. A stage that has not taken the step before keeps it until then.
Status StageSeats::probe(Seat& seat, train::PipelineMessage message) {
    const auto step = seat.worker->status().step;
    if (message.attempt < attempts_[seat.replica] || message.step < step) return {};
    if (seat.look || message.step > step) {
        if (seat.early_probes.size() < train::kMicroBatchesMax)
            seat.early_probes.push_back(std::move(message));
        return {};
    }
    const bool is_other = !seat.credits || seat.credits->step() != message.step;
    if (is_other && stage_ == 0) return {};  // that is over
    if (is_other)
        seat.credits.emplace(place(seat.replica), job(seat), *seat.stage, attempts_[seat.replica],
                             message.step);
    TRY(const auto sent, seat.credits->receive(message));
    send(seat.replica, sent);
    return {};
}

}  // namespace mutirao::node
