#include "train/projection.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.hpp"

namespace mutirao::train {

namespace {

constexpr double kStateBytes = 2;  // a parameter, for who comes back

struct Replica {
    double now = 0;      // when it is free for the next round
    double arrived = 0;  // when the round before was there, whole
    double back_at = 0;  // lost until then
    bool is_lost = false;
};

Status check(const ReplicaModel& replica, const LinkModel& link, const MethodModel& method,
             const ChurnModel& churn) {
    const auto positive = [](double value) { return std::isfinite(value) && value > 0; };
    const auto not_negative = [](double value) { return std::isfinite(value) && value >= 0; };
    if (replica.replicas >= 1 && positive(replica.parameters) && positive(replica.step_seconds) &&
        positive(replica.tokens_a_step) && not_negative(replica.codec_seconds) &&
        positive(link.bits_a_second) && not_negative(link.round_trip_seconds) &&
        not_negative(link.lost_packets) && link.lost_packets < 1 && method.local_steps >= 1 &&
        not_negative(method.payload_bytes) && not_negative(churn.lost_a_round) &&
        churn.lost_a_round < 1 && not_negative(churn.grace_seconds) &&
        not_negative(churn.restart_seconds))
        return {};
    return Error{ErrorKind::invalid_argument,
                 "a projection needs positive sizes, rates and times, and shares below 1"};
}

class History {
  public:
    History(const ReplicaModel& replica, const LinkModel& link, const MethodModel& method,
            const ChurnModel& churn, std::uint64_t seed)
        : model_(replica),
          link_(link),
          method_(method),
          churn_(churn),
          random_(seed),
          replicas_(replica.replicas) {}

    Projection run(std::uint32_t rounds) {
        for (std::uint32_t round = 0; round < rounds; ++round) one_round(round);
        double end = 0;
        for (const auto& replica : replicas_)
            end = std::max({end, replica.now, replica.is_lost ? 0 : replica.arrived});
        const double ideal = end / model_.step_seconds * model_.replicas;
        return {useful_steps_ * model_.tokens_a_step / end, useful_steps_ / ideal,
                exchange_seconds(model_.replicas)};
    }

  private:
    double exchange_seconds(std::size_t living) const {
        if (living <= 1) return 0;
        const auto others = static_cast<double>(living - 1);
        const double bytes = method_.payload_bytes * model_.parameters *
                             (method_.ring ? 2 * others / static_cast<double>(living) : others);
        const double hops = method_.ring ? 2 * others : 1;
        const double again = link_.lost_packets > 0 ? link_.round_trip_seconds : 0;
        return 8 * bytes / (link_.bits_a_second * (1 - link_.lost_packets)) +
               hops * link_.round_trip_seconds / 2 + again;
    }
    double chance() {
        constexpr std::uint64_t kSteps = 1u << 30;
        return static_cast<double>(random_.below(kSteps)) / static_cast<double>(kSteps);
    }

    void one_round(std::uint32_t round) {
        bring_back();
        double last = 0;
        bool lost_now = false;
        std::size_t living = 0;
        for (auto& replica : replicas_) {
            if (replica.is_lost) continue;
            if (chance() < churn_.lost_a_round) {
                lose(replica);
                lost_now = true;
                continue;
            }
            replica.now += method_.local_steps * model_.step_seconds;
            last = std::max(last, replica.now);
            ++living;
            useful_steps_ += method_.local_steps;
        }
        const double there = std::max(last, link_free_) + exchange_seconds(living) +
                             (lost_now ? churn_.grace_seconds : 0);
        link_free_ = there;
        for (auto& replica : replicas_) {
            if (replica.is_lost) continue;
            // Overlapped: only the round before must be there, and of the first nothing is.
            const double wanted = !method_.overlapped ? there : round > 0 ? replica.arrived : 0;
            replica.now = std::max(replica.now, wanted) + model_.codec_seconds;
            replica.arrived = there;
        }
    }

    void lose(Replica& replica) {
        const double until = replica.now + chance() * method_.local_steps * model_.step_seconds;
        replica.is_lost = true;
        replica.now = until;
        replica.back_at = until + churn_.restart_seconds +
                          8 * kStateBytes * model_.parameters / link_.bits_a_second;
    }

    // Who is back begins where the others are; with nobody left, time goes on to the first return.
    void bring_back() {
        double now = 0, first_back = INFINITY;
        bool anybody = false;
        for (const auto& replica : replicas_) {
            if (replica.is_lost) {
                first_back = std::min(first_back, replica.back_at);
                continue;
            }
            anybody = true;
            now = std::max(now, replica.now);
        }
        if (!anybody) now = first_back;
        for (auto& replica : replicas_)
            if (replica.is_lost && replica.back_at <= now) replica = {now, now, 0, false};
    }

    const ReplicaModel& model_;
    const LinkModel& link_;
    const MethodModel& method_;
    const ChurnModel& churn_;
    SeededRandom random_;
    std::vector<Replica> replicas_;
    double useful_steps_ = 0;
    double link_free_ = 0;  // an exchange waits for the one before
};

}  // namespace

Result<Projection> project(const ReplicaModel& replica, const LinkModel& link,
                           const MethodModel& method, const ChurnModel& churn, std::uint32_t rounds,
                           std::uint64_t seed) {
    TRY_VOID(check(replica, link, method, churn));
    if (rounds == 0) return Error{ErrorKind::invalid_argument, "a projection of no round"};
    return History(replica, link, method, churn, seed).run(rounds);
}

}  // namespace mutirao::train
