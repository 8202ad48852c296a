#include "sim/churn.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>

#include "base/random.hpp"
#include "crypto/hash.hpp"
#include "train/round.hpp"

namespace mutirao::sim {
namespace {

using train::Agreement;
using train::Message;
using train::Payload;
using train::TrainingRun;

constexpr std::size_t kParameters = 12;
constexpr auto kTick = std::chrono::seconds(1);
constexpr auto kNoProgress = std::chrono::seconds(5);  // then a transfer starts elsewhere
constexpr std::size_t kStatesKept = 3;
constexpr int kPatienceRounds = 40;  // the run has stopped when it takes so many times its rounds

Digest hash_of(ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key("simulated blob"), bytes);
}

struct Worker {
    std::uint32_t index = 0;
    Duration step{0};
    bool up = true, reachable = true;
    std::uint32_t life = 0;  // events of an earlier life are void
    std::unique_ptr<TrainingRun> run;
    std::unique_ptr<Agreement> agreement;
    bool stepping = false, standing = false, healing = false;
    std::uint32_t steps_done = 0;
    Duration since{0};                       // in this round: when steps began
    std::map<std::uint32_t, double> worked;  // seconds of steps, by round
    std::set<Digest> fetching;
    double up_seconds = 0;
    Duration up_since{0};
    // What its disk holds.
    std::map<std::uint32_t, Bytes> states;
    std::vector<Message> known;  // said and heard
    std::map<Digest, Payload> blobs;
};

class Churn {
  public:
    explicit Churn(const ChurnSettings& settings) : settings_(settings), random_(settings.seed) {}

    Status prepare();
    ChurnReport go();

  private:
    using Event = std::function<void()>;
    struct Later {
        Duration at;
        std::uint64_t order;
        Event event;
        bool operator>(const Later& other) const {
            return std::tie(at, order) > std::tie(other.at, other.order);
        }
    };
    void after(Duration delay, Event event) {
        events_.push({now_ + delay, order_++, std::move(event)});
    }
    // Void when the worker has died meanwhile.
    void after(Duration delay, Worker& worker, Event event) {
        after(delay, [&worker, life = worker.life, event = std::move(event)] {
            if (worker.life == life && worker.up) event();
        });
    }
    bool chance(double p) {
        return static_cast<double>(random_.below(1u << 30)) < p * static_cast<double>(1u << 30);
    }
    TrainingRun::Identity identity(const Worker& worker) const {
        return {id_, worker.index, settings_.workers};
    }
    void begin(Worker& worker, std::uint32_t round);
    void say(Worker& worker, const train::Messages& messages);
    void deliver(Worker& to, const Message& message);
    void fetch(Worker& worker);
    void arrived(Worker& worker, const train::Member& member, Worker* from, std::uint32_t life);
    Worker* holder_of(const Digest& payload, const Worker& asker);
    void drive(Worker& worker);
    void stand(Worker& worker);
    void one_step(Worker& worker);
    void finish_steps(Worker& worker);
    bool apply(Worker& worker);
    void heal(Worker& worker, const Agreement::Elsewhere& where);
    void tick(Worker& worker);
    void misfortune();
    void kill(Worker& worker);
    void restart(Worker& worker);
    void cut(Worker& worker);
    void catch_up(Worker& worker);
    bool done() const;
    ChurnReport report();
    void trouble(const Error& error) {
        if (out_.trouble.empty()) out_.trouble = error.message;
    }

    const ChurnSettings settings_;
    SeededRandom random_;
    train::RunSettings run_settings_;
    train::RunId id_;
    Duration now_{0};
    std::uint64_t order_ = 0;
    std::priority_queue<Later, std::vector<Later>, std::greater<>> events_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::map<std::uint32_t, Digest> counted_;  // by round: what the first worker applied
    double used_seconds_ = 0;
    ChurnReport out_;
};

Status Churn::prepare() {
    TRY(run_settings_, train::preset("mutirao"));
    run_settings_.rounds = settings_.rounds;
    run_settings_.local_steps = settings_.local_steps;
    run_settings_.warmup_steps = 0;
    run_settings_.schedule = settings_.schedule;
    run_settings_.quorum = settings_.quorum;
    run_settings_.codec = {.kind = train::CodecKind::bf16};
    random_.fill(id_.bytes);
    for (std::uint32_t i = 0; i < settings_.workers; ++i) {
        auto worker = std::make_unique<Worker>();
        worker->index = i;
        const double share =
            settings_.workers == 1 ? 0 : static_cast<double>(i) / (settings_.workers - 1);
        worker->step = Duration(static_cast<std::int64_t>(
            static_cast<double>(settings_.step.count()) * (1 + share * (settings_.slowest - 1))));
        TRY(auto run, TrainingRun::make(run_settings_, identity(*worker),
                                        std::vector<float>(kParameters, 1)));
        worker->run = std::make_unique<TrainingRun>(std::move(run));
        begin(*worker, 0);
        workers_.push_back(std::move(worker));
    }
    return {};
}

void Churn::begin(Worker& worker, std::uint32_t round) {
    worker.agreement = std::make_unique<Agreement>(
        Agreement::Settings{id_, worker.index, settings_.workers, settings_.quorum, round},
        settings_.patience, now_);
}

ChurnReport Churn::go() {
    const auto round = settings_.step * settings_.local_steps;
    out_.identical = true;
    for (auto& worker : workers_) {
        after(Duration{0}, *worker, [this, w = worker.get()] { drive(*w); });
        after(kTick, *worker, [this, w = worker.get()] { tick(*w); });
    }
    for (std::uint32_t i = 1; i < settings_.rounds; ++i) after(round * i, [this] { misfortune(); });
    const auto limit = round * settings_.rounds * kPatienceRounds;
    while (!events_.empty() && !done() && now_ < limit) {
        auto next = events_.top();
        events_.pop();
        now_ = next.at;
        next.event();
    }
    return report();
}

// Reliable, as the node's exchange is: whoever cannot be reached hears everything when it can.
void Churn::say(Worker& worker, const train::Messages& messages) {
    for (const auto& message : messages) {
        worker.known.push_back(message);
        for (auto& other : workers_) {
            if (other->index == worker.index) continue;
            if (!worker.reachable || !other->up || !other->reachable) continue;
            const auto jitter = Duration(static_cast<std::int64_t>(
                random_.below(static_cast<std::uint64_t>(settings_.latency.count()) + 1)));
            after(settings_.latency + jitter, [this, to = other.get(), message] {
                if (to->up && to->reachable) deliver(*to, message);
            });
        }
    }
}

void Churn::deliver(Worker& to, const Message& message) {
    to.known.push_back(message);
    say(to, to.agreement->receive(message, now_));
    if (std::holds_alternative<train::Ready>(message.body)) fetch(to);
    drive(to);
}

Worker* Churn::holder_of(const Digest& payload, const Worker& asker) {
    std::vector<Worker*> holders;
    for (auto& worker : workers_)
        if (worker->up && worker->reachable && worker->index != asker.index &&
            worker->blobs.contains(payload))
            holders.push_back(worker.get());
    return holders.empty() ? nullptr : holders[random_.below(holders.size())];
}

void Churn::fetch(Worker& worker) {
    if (!worker.reachable) return;
    for (const auto& [round, members] : worker.agreement->wanted())
        for (const auto& member : members) {
            if (!worker.fetching.insert(member.payload).second) continue;
            auto* from = holder_of(member.payload, worker);
            const auto takes = from == nullptr ? Duration(kNoProgress) : settings_.exchange;
            after(takes, worker, [this, &worker, member, from, life = from ? from->life : 0] {
                arrived(worker, member, from, life);
            });
        }
}

// A sender that died in the middle sends nothing more: another one is asked after a while.
void Churn::arrived(Worker& worker, const train::Member& member, Worker* from, std::uint32_t life) {
    worker.fetching.erase(member.payload);
    const bool whole = from != nullptr && from->up && from->life == life && from->reachable &&
                       worker.reachable && from->blobs.contains(member.payload);
    if (!whole) return after(kNoProgress, worker, [this, &worker] { fetch(worker); });
    worker.blobs[member.payload] = from->blobs.at(member.payload);
    say(worker, worker.agreement->stored(member.payload, now_));
    drive(worker);
}

void Churn::stand(Worker& worker) {
    worker.standing = true;
    const auto state = train::encode_run_state(worker.run->state());
    worker.states[worker.run->round()] = state;
    while (worker.states.size() > kStatesKept) worker.states.erase(worker.states.begin());
    const auto old = worker.run->round() < 4 ? 0 : worker.run->round() - 4;
    std::erase_if(worker.known, [&](const Message& m) { return m.round < old; });
    std::erase_if(worker.blobs, [&](const auto& blob) { return blob.second.round < old; });
    say(worker, worker.agreement->stand(worker.run->round(), hash_of(state), now_));
}

// Goes on until something has to be waited for.
void Churn::drive(Worker& worker) {
    while (worker.up && !worker.healing && !worker.stepping) {
        auto& run = *worker.run;
        if (!worker.standing && (run.wants_steps() || run.finished())) stand(worker);
        const auto waits = !run.wants_steps() && !run.finished();
        if (auto where = worker.agreement->elsewhere(run.round() - (waits ? 1 : 0), 2))
            return heal(worker, *where);
        if (run.finished()) return;
        if (run.wants_steps()) {
            worker.stepping = true;
            worker.steps_done = 0;
            worker.since = now_;
            // What was said before a crash stands: no second payload.
            if (worker.agreement->own_ready(run.round())) return finish_steps(worker);
            return after(worker.step, worker, [this, &worker] { one_step(worker); });
        }
        if (!apply(worker)) return;
    }
}

void Churn::one_step(Worker& worker) {
    ++worker.steps_done;
    if (worker.steps_done < settings_.local_steps && !worker.agreement->hurry(worker.run->round()))
        return after(worker.step, worker, [this, &worker] { one_step(worker); });
    finish_steps(worker);
    drive(worker);
}

void Churn::finish_steps(Worker& worker) {
    auto& run = *worker.run;
    const auto round = run.round();
    worker.stepping = worker.standing = false;
    const bool said = worker.agreement->own_ready(round) != nullptr;
    std::vector<float> local(run.start_parameters().begin(), run.start_parameters().end());
    if (!said) {
        for (auto& value : local) value += static_cast<float>(random_.below(2001)) * 1e-5f - 0.01f;
        worker.worked[round] = std::chrono::duration<double>(now_ - worker.since).count();
    }
    const auto tokens = std::uint64_t{worker.steps_done} * 1024;
    auto bytes = run.finish_round(local, tokens, 1);
    if (!bytes.ok()) return trouble(bytes.error());
    if (said) return after(Duration{0}, worker, [this, &worker] { drive(worker); });
    const auto digest = hash_of(*bytes);
    auto payload = train::decode_payload(*bytes).value();
    const auto base = payload.base;
    worker.blobs[digest] = std::move(payload);
    say(worker, worker.agreement->ready(round, base, digest, now_));
}

bool Churn::apply(Worker& worker) {
    const auto round = worker.run->due();
    const auto* value = round ? worker.agreement->decision(*round) : nullptr;
    if (value == nullptr) return false;
    std::vector<Payload> payloads;
    bool heard = false;
    for (const auto& member : value->members) {
        const auto blob = worker.blobs.find(member.payload);
        if (blob == worker.blobs.end()) return false;
        payloads.push_back(blob->second);
        heard = heard || member.worker == worker.index;
    }
    auto status = worker.run->apply(payloads);
    if (!status.ok()) {
        trouble(status.error());
        return false;
    }
    const auto [first, is_first] = counted_.try_emplace(*round, value->digest());
    out_.identical = out_.identical && (is_first || first->second == value->digest());
    if (heard)
        used_seconds_ += worker.worked[*round];
    else
        ++out_.left_out;
    worker.worked.erase(*round);
    return true;
}

void Churn::heal(Worker& worker, const Agreement::Elsewhere& where) {
    worker.healing = true;
    ++out_.healed;
    after(settings_.heal, worker, [this, &worker, where] {
        worker.healing = false;
        for (const auto holder : where.holders) {
            auto& from = *workers_[holder];
            const auto state = from.states.find(where.round);
            if (!from.up || !from.reachable || !worker.reachable || state == from.states.end() ||
                hash_of(state->second) != where.state)
                continue;
            auto run = TrainingRun::resume(run_settings_, identity(worker),
                                           train::decode_run_state(state->second).value());
            if (!run.ok()) return trouble(run.error());
            worker.run = std::make_unique<TrainingRun>(std::move(run).value());
            worker.stepping = worker.standing = false;
            worker.worked.clear();
            stand(worker);
            // What was said of rounds that were too far ahead until now.
            for (const auto& message : std::vector<Message>(worker.known))
                say(worker, worker.agreement->receive(message, now_));
            break;
        }
        drive(worker);
    });
}

void Churn::tick(Worker& worker) {
    if (worker.reachable)
        for (auto& other : workers_)
            if (other->up && other->reachable) worker.agreement->heard(other->index, now_);
    say(worker, worker.agreement->tick(now_));
    fetch(worker);
    drive(worker);
    after(kTick, worker, [this, &worker] { tick(worker); });
}

void Churn::misfortune() {
    for (auto& worker : workers_) {
        if (!worker->up || !worker->reachable) continue;
        const auto when = Duration(static_cast<std::int64_t>(random_.below(
            static_cast<std::uint64_t>((settings_.step * settings_.local_steps).count()))));
        if (chance(settings_.killed))
            after(when, *worker, [this, w = worker.get()] { kill(*w); });
        else if (chance(settings_.cut_off))
            after(when, *worker, [this, w = worker.get()] { cut(*w); });
    }
}

void Churn::kill(Worker& worker) {
    ++out_.killed;
    worker.up = false;
    ++worker.life;
    worker.up_seconds += std::chrono::duration<double>(now_ - worker.up_since).count();
    after(settings_.down, [this, &worker] { restart(worker); });
}

void Churn::restart(Worker& worker) {
    worker.up = true;
    worker.up_since = now_;
    worker.stepping = worker.standing = worker.healing = false;
    worker.fetching.clear();
    worker.worked.clear();
    auto state = train::decode_run_state(worker.states.rbegin()->second).value();
    begin(worker, state.round);
    auto run = TrainingRun::resume(run_settings_, identity(worker), std::move(state));
    if (!run.ok()) return trouble(run.error());
    worker.run = std::make_unique<TrainingRun>(std::move(run).value());
    for (const auto& message : worker.known) worker.agreement->recall(message);
    for (const auto& [digest, blob] : worker.blobs) worker.agreement->stored(digest, now_);
    if (worker.reachable) catch_up(worker);
    after(kTick, worker, [this, &worker] { tick(worker); });
}

// What it missed, from whoever still knows it; and others what it said meanwhile.
void Churn::catch_up(Worker& worker) {
    const auto tell = [&](const Worker& from, Worker& to) {
        const auto known = from.known;
        for (const auto& message : known)
            if (std::ranges::find(to.known, message) == to.known.end()) deliver(to, message);
    };
    for (auto& other : workers_) {
        if (other->index == worker.index || !other->up || !other->reachable) continue;
        tell(*other, worker);
        tell(worker, *other);
    }
}

void Churn::cut(Worker& worker) {
    ++out_.cut_off;
    worker.reachable = false;
    after(settings_.down, [this, &worker] {
        worker.reachable = true;
        if (worker.up) catch_up(worker);
    });
}

bool Churn::done() const {
    return std::ranges::all_of(workers_, [](const auto& worker) {
        return !worker->up || (worker->run->finished() && worker->standing);
    });
}

ChurnReport Churn::report() {
    out_.finished = done();
    out_.took = now_;
    double up_seconds = 0;
    std::optional<Digest> shared;
    for (auto& worker : workers_) {
        if (worker->up)
            worker->up_seconds += std::chrono::duration<double>(now_ - worker->up_since).count();
        up_seconds += worker->up_seconds;
        if (!worker->up) continue;
        if (!shared) shared = worker->run->shared_hash();
        out_.identical = out_.identical && worker->run->shared_hash() == *shared;
    }
    const auto all = std::chrono::duration<double>(now_).count() * settings_.workers;
    out_.utilisation = up_seconds > 0 ? used_seconds_ / up_seconds : 0;
    out_.goodput = all > 0 ? used_seconds_ / all : 0;
    return out_;
}

}  // namespace

Result<ChurnReport> simulate_churn(const ChurnSettings& settings) {
    if (settings.workers < 1 || settings.workers > train::kWorkersMax || settings.rounds < 1 ||
        settings.quorum > settings.workers || settings.step <= Duration{0} ||
        settings.slowest < 1 || settings.latency < Duration{0})
        return Error{ErrorKind::invalid_argument,
                     "a simulated run needs 1 to 256 workers, rounds, steps that take time, and a "
                     "quorum among its workers"};
    Churn churn(settings);
    TRY_VOID(churn.prepare());
    return churn.go();
}

}  // namespace mutirao::sim
