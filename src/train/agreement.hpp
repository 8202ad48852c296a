// Which payloads count in each round, agreed by all workers of a run, without I/O: events in,
// messages out.
//
// Each round is one instance of Paxos (Lamport, "Paxos Made Simple", 2001) over all workers, with
// what a training run adds to it. View v of round r is coordinated by worker (r + v) mod workers.
// The coordinator proposes once it holds the payloads of the quorum and either those of every
// worker that it has heard of lately, or the grace window has passed; whoever holds all that is
// proposed votes for it, so that what is decided is durable at a majority and survives the death of
// whoever sent or proposed it. A view that brings no decision in time gives way to the next, whose
// coordinator proposes what a majority may have accepted before, if anything.
//
// However slow the messages are, some view lasts long enough: each that a majority began and that
// brought nothing doubles the patience with the next, and the rounds after keep what it took.
// Whoever is cut off does not run ahead of the others in vain.
//
// Messages must reach every worker in the end, also those of workers that have died: whoever knows
// one passes it on.
//
// All workers that know a decision know the same one, and a majority of workers that reach one
// another decides, whoever else dies, hangs or comes back. This holds among workers that keep the
// rules and what they said over a crash (recall()). Those who say two things in one round are
// named by liars(); one whose parameters differ is found by its Standing and heals (elsewhere()).
//
// One thread at a time. Cost: a few microseconds an event at tens of workers.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_set>

#include "base/ports.hpp"
#include "train/agreement_message.hpp"

namespace mutirao::train {

struct Patience {
    Duration grace = std::chrono::seconds(5);  // for more payloads once there are enough
    Duration view = std::chrono::seconds(10);  // for a coordinator, after the grace window
    Duration away =
        std::chrono::seconds(15);  // a worker not heard of for so long is not waited for
    Duration refused = std::chrono::seconds(1);  // the same of one whose machine refuses calls
};

// To all workers, in this order, once they are durable here.
using Messages = std::vector<Message>;

inline constexpr std::uint32_t kRoundsOpen = 8;  // rounds from the floor on that are followed

class Agreement {
  public:
    struct Settings {
        RunId run{};
        std::uint32_t worker = 0;
        std::uint32_t workers = 1;
        std::uint32_t quorum = 0;  // payloads that a round needs; 0 = of all workers
        std::uint32_t round = 0;   // where this worker begins
        Subject subject = Subject::payloads;
        // The last so many workers train elsewhere and have no payloads here: they keep those of
        // the others and vote, so that two workers go on when one of them dies.
        std::uint32_t witnesses = 0;
        // So many workers before those stand in for others that are lost: a round waits for one of
        // them only if it had a payload in the round before.
        std::uint32_t spares = 0;
    };
    // Where other workers stand, for one that lags behind or differs.
    struct Elsewhere {
        std::uint32_t round = 0;
        Digest state;
        std::vector<std::uint32_t> holders;
    };

    Agreement(const Settings& settings, const Patience& patience, Duration now);

    // After a restart, before any event: what this worker said and what it voted for (the proposals
    // of others included), in the order of saying.
    void recall(const Message& message);

    // This worker stands before `round`, its RunState has this digest; older rounds are forgotten
    // but for the last two. It says so.
    Messages stand(std::uint32_t round, const Digest& state, Duration now);
    // The same without saying so.
    Messages go_to(std::uint32_t round, Duration now);
    // This worker's payload of `round` is durable here. Once a round.
    Messages ready(std::uint32_t round, const Digest& base, const Digest& payload, Duration now);
    // Whatever check_message() let pass; again and in any order is harmless. What is said of rounds
    // that are not open yet is dropped, standings apart: after a jump by stand() pass it again.
    Messages receive(const Message& message, Duration now);
    Messages stored(const Digest& payload, Duration now);
    // Time goes on: call it a few times in each of the patience's durations.
    Messages tick(Duration now);
    // A worker gave a sign of life other than by a message of its own.
    void heard(std::uint32_t worker, Duration now);
    // A call to a worker was refused at once: its process has ended, or nobody gets there. It is
    // waited for less until it is heard of again; away() is still about its silence alone.
    void refused(std::uint32_t worker) { refused_.insert(worker); }
    // Whether it was not heard of for longer than the patience says; never this worker itself.
    bool away(std::uint32_t worker, Duration now) const;
    // Payloads of open rounds that are not stored here, with the workers that made them, by round:
    // to fetch.
    std::map<std::uint32_t, std::vector<Member>> wanted() const;
    // From now on this worker proposes nothing of that one, votes in no first view for what does,
    // and does not wait for it to coordinate.
    void leave_out(std::uint32_t worker) { left_out_.insert(worker); }
    void set_patience(const Patience& patience) { patience_ = patience; }

    // What counts in `round`, once it is decided and known here.
    const RoundValue* decision(std::uint32_t round) const;
    bool has(const Digest& payload) const { return stored_.contains(payload); }
    // Enough workers are ready for `round`: local steps should end after the one under way.
    bool hurry(std::uint32_t round) const;
    // What this worker said ready() for, if it did.
    const Ready* own_ready(std::uint32_t round) const;
    // Where this worker should go on instead, if enough others (more than a third may lie) agree on
    // a state at least `lead` rounds ahead of `round`, or differ from it at this round.
    std::optional<Elsewhere> elsewhere(std::uint32_t round, std::uint32_t lead) const;
    // Workers that signed two payloads for one round.
    const std::set<std::uint32_t>& liars() const { return liars_; }
    // Views beyond the first that rounds took, for figures.
    std::uint64_t views_changed() const { return views_changed_; }

  private:
    struct Round {
        std::map<std::uint32_t, std::vector<Ready>> ready;  // by worker; a second one is a lie
        std::map<std::uint32_t, RoundValue> proposals;      // by view
        std::map<std::pair<std::uint32_t, Digest>, std::set<std::uint32_t>> votes;
        std::map<std::uint32_t, std::map<std::uint32_t, Promise>> promises;  // by view, worker
        std::uint32_t view = 0;            // the lowest that this worker may still vote in
        std::uint32_t changes = 0;         // of the view, here; each doubles the patience
        std::uint32_t accepted_views = 0;  // 1 + the view of `accepted`; 0 = none
        RoundValue accepted;
        std::optional<Duration> enough_at;  // when there were payloads for a quorum
        Duration view_at{0};                // when `view` began here
        std::optional<RoundValue> decided;
    };

    void set_floor(std::uint32_t round);
    void forget();
    std::uint32_t senders() const { return settings_.workers - settings_.witnesses; }
    std::uint32_t majority() const { return settings_.workers / 2 + 1; }
    std::uint32_t quorum() const { return settings_.quorum == 0 ? senders() : settings_.quorum; }
    std::uint32_t coordinator(std::uint32_t round, std::uint32_t view) const {
        return static_cast<std::uint32_t>((std::uint64_t{round} + view) % settings_.workers);
    }
    bool is_open(std::uint32_t round) const {
        return round >= floor_ && round < floor_ + kRoundsOpen;
    }
    Digest base_of(const Round& round) const;
    std::vector<Member> usable(const Round& round) const;
    bool holds(const RoundValue& value) const;  // every payload of it
    bool names_left_out(const RoundValue& value) const;
    bool is_expected(std::uint32_t worker, std::uint32_t round) const;
    std::vector<const Promise*> free_promises(const std::map<std::uint32_t, Promise>& promises,
                                              bool with_left_out) const;
    bool is_valid(const Round& round, const RoundValue& value) const;

    void note(const Message& message, Duration now);
    void note_ready(Round& round, std::uint32_t worker, const Ready& ready);
    void note_standing(const Message& message);
    void say(std::uint32_t number, decltype(Message::body) body, Duration now, Messages& out);
    void advance(std::uint32_t number, Duration now, Messages& out);
    void begin_if_enough(Round& round, Duration now) const;
    std::optional<std::uint32_t> next_view(std::uint32_t number, Duration now) const;
    bool is_begun(const Round& round) const;
    // A part of the patience, for a round whose view changed so often.
    Duration stretched(Duration patience, std::uint32_t changes) const;
    bool is_silent(std::uint32_t worker, Duration patience, Duration now) const;
    // Whether nobody waits for it in a round whose view changed so often.
    bool is_lost(std::uint32_t worker, std::uint32_t changes, Duration now) const;
    void settle(Round& round);
    void vote(std::uint32_t number, Duration now, Messages& out);
    void propose(std::uint32_t number, Duration now, Messages& out);
    std::optional<RoundValue> choice(std::uint32_t number, Duration now) const;
    void change_view(std::uint32_t number, Duration now, Messages& out);
    void decide(Round& round);

    Settings settings_;
    Patience patience_;
    std::uint32_t floor_ = 0;
    std::map<std::uint32_t, Round> rounds_;
    std::map<std::uint32_t, std::map<std::uint32_t, Digest>> standings_;  // by worker, round
    std::unordered_set<Digest> stored_;
    std::vector<Duration> heard_at_;
    std::set<std::uint32_t> left_out_, liars_, refused_;
    std::uint64_t views_changed_ = 0;
    std::uint32_t slowness_ = 0;  // doublings of the patience that the latest rounds took
};

}  // namespace mutirao::train
