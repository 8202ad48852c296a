#include "node/run_member.hpp"

#include <algorithm>
#include <future>

#include "base/log.hpp"
#include "crypto/hash.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;
using train::Agreement;

constexpr auto kTurn = 50ms;               // at most between two looks at the clock
constexpr auto kTick = 200ms;              // between two ticks of the agreement
constexpr auto kExchangePause = 250ms;     // between two exchanges when nothing is new
constexpr auto kLagging = 20s;             // without a decision; then a peer's state will do
constexpr std::uint32_t kRoundsShown = 4;  // whose decisions whoever trains may still ask for
constexpr std::size_t kLogMax = 1 << 16;

Digest hash_of(ByteSpan message) {
    return crypto::blake3_keyed(crypto::domain_key("heard message"), message);
}

// Of what others said: whoever votes for it must still know it after a crash.
bool is_kept(const train::Message& message) {
    return std::holds_alternative<train::Proposal>(message.body) ||
           train::SumRounds::must_be_kept(message);
}

std::uint64_t fresh_id(Random& random) { return random.next_u64() | 1; }

}  // namespace

RunMember::RunMember(MemberPlan plan, MemberPorts ports, std::uint32_t round)
    : plan_(std::move(plan)),
      ports_(std::move(ports)),
      events_(std::make_shared<Inbox<Event>>()),
      log_id_(fresh_id(ports_.random)),
      begins_(plan_.worker + plan_.witnesses < plan_.trainers.size()),
      agreement_({plan_.run, plan_.worker, static_cast<std::uint32_t>(plan_.trainers.size()),
                  plan_.quorum, round, train::Subject::payloads, plan_.witnesses, plan_.spares},
                 {}, ports_.clock.monotonic()),
      peers_(plan_.trainers.size()),
      chunks_(ports_.store.chunks_to_come()),
      began_(round),
      standing_(round) {
    make_sums(round);
    recall();
}

void RunMember::recall(const train::Message& message) {
    if (!train::SumRounds::concerns(message)) return agreement_.recall(message);
    if (sums_) sums_->recall(message);
}

void RunMember::recall() {
    for (const auto& bytes : ports_.store.said()) {
        auto message = train::check_message(bytes, plan_.run, plan_.trainers);
        if (!message.ok()) continue;
        recall(*message);
        remember_doubt(*message);
        add_to_log(bytes, std::move(*message));
    }
    for (const auto& blob : ports_.store.blobs()) say(agreement_.stored(blob, now()));
    publish();
}

void RunMember::loop() {
    while (!cancelled_) {
        auto event = events_->take(kTurn);
        for (; event; event = events_->take(0ms)) (*event)();
        turn();
    }
    changed_.notify_all();
}

void RunMember::cancel() {
    cancelled_ = true;
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

void RunMember::fail(const Error& error) {
    LOG_ERROR("run " + plan_.run.hex() + ": " + error.message);
    const std::lock_guard lock(mutex_);
    failure_ = error;
    changed_.notify_all();
}

void RunMember::turn() {
    const auto at = now();
    if (at - ticked_at_ >= kTick) {
        ticked_at_ = at;
        say(agreement_.tick(at));
        if (sums_) say(sums_->tick(at));
    }
    if (sums_) advance_sums();
    if (plan_.worker + plan_.witnesses >= plan_.trainers.size()) keep_up();
    begin_fetches();
    for (std::uint32_t worker = 0; worker < peers_.size(); ++worker) {
        const auto& peer = peers_[worker];
        if (!can_call(worker) || peer.in_flight) continue;
        const bool is_new = peer.sent < own_end_;
        if (at >= peer.next_at || (is_new && at + kExchangePause >= peer.next_at))
            exchange_with(worker);
    }
    publish();
}

// A witness goes on when a round is decided and all that counts in it is here; or, when it comes
// late, to where the others are.
void RunMember::keep_up() {
    const auto is_complete = [this](const train::RoundValue& value) {
        return std::ranges::all_of(
            value.members, [&](const auto& member) { return agreement_.has(member.payload); });
    };
    const auto* value = agreement_.decision(standing_);
    auto next = standing_;
    if (value != nullptr && is_complete(*value))
        ++next;
    else if (const auto where = agreement_.elsewhere(standing_, 2))
        next = where->round;
    if (next == standing_) return;
    const bool jumps = next > standing_ + 1;
    standing_ = next;
    say(agreement_.go_to(next, now()));
    if (jumps) hear_again();
    forget(next);
}

// Durable before anybody hears it.
void RunMember::say(const train::Messages& messages) {
    if (messages.empty()) return;
    std::vector<Bytes> said;
    for (const auto& message : messages) said.push_back(train::sign_message(message, ports_.key));
    if (auto status = ports_.store.say(said); !status.ok()) return fail(status.error());
    for (std::size_t i = 0; i < said.size(); ++i) add_to_log(std::move(said[i]), messages[i]);
}

void RunMember::add_to_log(Bytes bytes, train::Message message) {
    if (!heard_.insert(hash_of(bytes)).second) return;
    const std::lock_guard lock(mutex_);
    const auto from = message.worker;
    log_.push_back({std::move(bytes), std::move(message)});
    if (from == plan_.worker || plan_.endpoints[from].empty()) own_end_ = log_begin_ + log_.size();
    while (log_.size() > kLogMax) {
        heard_.erase(hash_of(log_.front().bytes));
        log_.pop_front();
        ++log_begin_;
    }
}

void RunMember::hear(ByteSpan bytes) {
    if (heard_.contains(hash_of(bytes))) return;
    auto message = train::check_message(bytes, plan_.run, plan_.trainers);
    if (!message.ok()) {
        LOG_WARN("run " + plan_.run.hex() + ": " + message.error().message);
        return;
    }
    // What this worker said before it lost its disk binds it all the same.
    if (message->worker == plan_.worker) recall(*message);
    if (is_kept(*message)) {
        const std::vector<Bytes> kept{to_bytes(bytes)};
        if (auto status = ports_.store.say(kept); !status.ok()) return fail(status.error());
    }
    add_to_log(to_bytes(bytes), *message);
    note_said(*message);
    hear_of_doubts(*message);
    say(receive(*message));
}

train::Messages RunMember::receive(const train::Message& message) {
    if (!train::SumRounds::concerns(message)) return agreement_.receive(message, now());
    return sums_ ? sums_->receive(message, now()) : train::Messages();
}

// One that has come back and does not train yet is waited for no more than while it was away.
void RunMember::heard(std::uint32_t worker, bool begins) {
    if (!begins) agreement_.heard(worker, now());
    if (sums_) sums_->heard(worker, now());
}

void RunMember::note_said(const train::Message& message) {
    const auto* ready = std::get_if<train::Ready>(&message.body);
    if (!ready || message.round >= standing_ + train::kRoundsOpen) return;
    const std::lock_guard lock(mutex_);
    said_[message.round].try_emplace(message.worker, ready->payload);
}

void RunMember::hear_again() {
    std::vector<train::Message> known;
    for (const auto& said : log_) known.push_back(said.message);
    for (const auto& message : known) {
        note_said(message);
        say(receive(message));
    }
}

// Messages and blobs of rounds that nobody will ask for.
void RunMember::forget(std::uint32_t round) {
    const auto oldest = round < plan_.rounds_kept ? 0 : round - plan_.rounds_kept;
    std::vector<Bytes> kept;
    {
        const std::lock_guard lock(mutex_);
        while (!log_.empty() && log_.front().message.round < oldest) {
            if (is_own_doubt(log_.front().message)) doubts_.push_back(log_.front().bytes);
            heard_.erase(hash_of(log_.front().bytes));
            log_.pop_front();
            ++log_begin_;
        }
        said_.erase(said_.begin(), said_.lower_bound(oldest));
        kept = doubts_;  // whom it caught it must know after a crash, however long ago that was
        for (const auto& said : log_)
            if (is_own_doubt(said.message) ||
                (said.message.round >= oldest &&
                 (said.message.worker == plan_.worker || is_kept(said.message))))
                kept.push_back(said.bytes);
    }
    if (auto status = ports_.store.forget(oldest, kept); !status.ok()) fail(status.error());
    if (round == began_) return;  // what came before a crash may be wanted soon
    std::set<Digest> coming;
    for (const auto& [id, fetch] : fetches_) coming.insert(id);
    if (auto status = chunks_.drop_all_but(coming); !status.ok()) fail(status.error());
}

// For the thread that trains.
void RunMember::publish() {
    const std::lock_guard lock(mutex_);
    complete_.clear();
    unmaskable_.clear();
    hurries_.clear();
    away_.clear();
    for (std::uint32_t worker = 0; worker < peers_.size(); ++worker)
        if (agreement_.away(worker, now())) away_.insert(worker);
    const auto first = standing_ < kRoundsShown ? 0 : standing_ - kRoundsShown;
    for (auto round = first; round < standing_ + train::kRoundsOpen; ++round) {
        if (agreement_.hurry(round)) hurries_.insert(round);
        if (const auto* own = agreement_.own_ready(round))
            said_[round].try_emplace(plan_.worker, own->payload);
        const auto* value = agreement_.decision(round);
        if (value &&
            std::ranges::all_of(
                value->members,
                [&](const auto& member) { return agreement_.has(member.payload); }) &&
            (!sums_ || sums_->transcript(round))) {
            complete_[round] = *value;
            if (sums_) unmaskable_[round] = sums_->transcript(round);
        }
    }
    near_ = agreement_.elsewhere(standing_, plan_.lag + 1);
    far_ = agreement_.elsewhere(standing_, plan_.lag + 2);
    heard_from_others_ = has_heard_;
    cheaters_.insert(agreement_.liars().begin(), agreement_.liars().end());
    changed_.notify_all();
}

Status RunMember::stand(std::uint32_t round, ByteSpan state) {
    TRY(const auto id, ports_.store.put(round, state));
    // A delayed schedule still owes reveals of the round before.
    std::map<std::uint32_t, crypto::Key> secrets;
    for (auto at = round == 0 ? 0 : round - 1; sums_ && at <= round; ++at) {
        TRY(secrets[at], ports_.store.sum_secret(at, ports_.random));
    }
    post([this, round, id, secrets] {
        const bool jumps = round > standing_ + 1;
        standing_ = round;
        begins_ = false;
        say(agreement_.stand(round, id, now()));
        if (sums_) say(sums_->go_to(round, now()));
        for (const auto& [at, secret] : secrets) say(sums_->begin(at, secret, now()));
        if (jumps) hear_again();
        forget(round);
    });
    const std::lock_guard lock(mutex_);
    near_ = far_ = std::nullopt;  // were seen from where this worker stood before
    return {};
}

// Said before this worker goes on: with a delayed schedule it may stand before the next round, and
// go on from there after a crash, while others still wait for this one.
Status RunMember::ready(std::uint32_t round, const Digest& base, ByteSpan payload) {
    TRY(const auto id, ports_.store.put(round, payload));
    auto said = std::make_shared<std::promise<void>>();
    const auto heard = said->get_future();
    post([this, round, base, id, said] {
        say(agreement_.ready(round, base, id, now()));
        said->set_value();
    });
    while (heard.wait_for(kTurn) != std::future_status::ready)
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
    const std::lock_guard lock(mutex_);
    return failure_ ? Status(*failure_) : Status();
}

std::optional<Digest> RunMember::said(std::uint32_t worker, std::uint32_t round) const {
    const std::lock_guard lock(mutex_);
    const auto by_worker = said_.find(round);
    if (by_worker == said_.end()) return std::nullopt;
    const auto payload = by_worker->second.find(worker);
    return payload == by_worker->second.end() ? std::nullopt : std::optional(payload->second);
}

bool RunMember::hurry(std::uint32_t round) const {
    const std::lock_guard lock(mutex_);
    return hurries_.contains(round);
}

bool RunMember::overtaken(std::uint32_t round) const {
    const std::lock_guard lock(mutex_);
    return complete_.contains(round) || near_;
}

void RunMember::set_patience(const train::Patience& patience) {
    post([this, patience] {
        agreement_.set_patience(patience);
        if (sums_) sums_->set_patience(patience);
    });
}

Result<RoundOutcome> RunMember::wait(std::uint32_t due) {
    const auto began = now();
    std::unique_lock lock(mutex_);
    for (;;) {
        if (failure_) return *failure_;
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
        const auto value = complete_.find(due);
        if (value != complete_.end()) {
            const auto sum = unmaskable_.find(due);
            return RoundOutcome{
                value->second, {}, sum == unmaskable_.end() ? nullptr : sum->second};
        }
        if (const auto& where = now() - began > kLagging ? near_ : far_)
            return RoundOutcome{{}, where, nullptr};
        changed_.wait_for(lock, kTick);
    }
}

std::optional<Agreement::Elsewhere> RunMember::ahead(Duration patience, bool has_said) {
    const auto until = now() + patience;
    std::unique_lock lock(mutex_);
    while (!cancelled_ && !failure_ && now() < until) {
        if (heard_from_others_) return has_said ? far_ : near_;
        changed_.wait_for(lock, kTurn);
    }
    return std::nullopt;
}

void RunMember::want(const Digest& blob, std::uint32_t holder, std::uint32_t round) {
    post([this, blob, holder, round] { fetch_of(blob, round, std::span(&holder, 1)); });
}

Status RunMember::wait_for(const Digest& blob, std::uint32_t holder, Duration patience) {
    const auto until = now() + patience;
    Status missing = Error{ErrorKind::not_found, "worker " + std::to_string(holder) +
                                                     " does not hand over blob " + blob.hex()};
    std::unique_lock lock(mutex_);
    while (!ports_.store.has(blob)) {
        if (failure_) return *failure_;
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
        if (away_.contains(holder) || far_)
            missing = Error{ErrorKind::unavailable, "worker " + std::to_string(holder) +
                                                        " is away, or the others are ahead"};
        if (now() >= until || missing.error().kind == ErrorKind::unavailable) {
            post([this, blob] { fetches_.erase(blob); });
            return missing;
        }
        changed_.wait_for(lock, kTick);
    }
    return {};
}

Result<Bytes> RunMember::fetch(const Agreement::Elsewhere& where) {
    post([this, where] { fetch_of(where.state, where.round, where.holders); });
    const auto began = now();
    std::unique_lock lock(mutex_);
    for (;;) {
        if (failure_) return *failure_;
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
        if (ports_.store.has(where.state)) return ports_.store.get(where.state);
        const auto& latest = near_;
        const bool moved_on = latest && latest->round > where.round + 1;
        if (moved_on && now() - began > kLagging)
            return Error{ErrorKind::unavailable, "the other workers have gone on meanwhile"};
        changed_.wait_for(lock, kTick);
    }
}

}  // namespace mutirao::node
