// One worker's part in the agreement of a run, over the ports: it says and hears signed messages,
// passes on those of others, fetches payloads and states in chunks from whoever has them, and keeps
// all of it on the disk before it votes.
//
// It calls the workers that can be called and needs none to call it: whoever cannot be called hears
// everything by its own calls, and hands its payloads to those that it calls.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <unordered_set>

#include "base/inbox.hpp"
#include "mutirao/v1/train.pb.h"
#include "node/run_store.hpp"
#include "train/agreement.hpp"
#include "train/sum_rounds.hpp"

namespace mutirao::node {

struct MemberPlan {
    train::RunId run;
    std::uint32_t worker = 0;
    std::uint32_t quorum = 0;  // 0 = of all workers
    std::vector<Address> trainers;
    std::vector<std::string> endpoints;  // of all trainers; empty: cannot be called
    // Not empty: payloads are masked (train/sum_rounds.hpp), and round r's have so many values as
    // entry r modulo their number says. So many of all must open their masks.
    std::vector<std::size_t> sum_values = {};
    std::uint32_t sum_threshold = 0;
    // Rounds whose payloads may still travel while a worker stands before the next one's steps.
    std::uint32_t lag = 0;
    // Rounds before the next one of which everything is kept for others.
    std::uint32_t rounds_kept = 4;
    std::uint32_t witnesses = 0;  // the last so many of them (train/agreement.hpp)
    std::uint32_t spares = 0;     // and so many before those
};

// All must outlive the member.
struct MemberPorts {
    Clock& clock;
    Random& random;
    Network& network;
    RunStore& store;
    const crypto::AccountKey& key;
    // Whether a payload can be merged at all; nobody votes for one that cannot. From one thread.
    std::function<Status(const train::Payload&)> check;
};

// What a round brought, or where this worker should go on instead.
struct RoundOutcome {
    std::optional<train::RoundValue> decided;  // with every payload in the store
    std::optional<train::Agreement::Elsewhere> elsewhere;
    // With secure sums, of what was decided: all but the masked values, which are the payloads'.
    std::shared_ptr<const train::SumTranscript> sum = nullptr;
};

class RunMember {
  public:
    // `round` is where this worker begins.
    RunMember(MemberPlan plan, MemberPorts ports, std::uint32_t round);

    // Takes a thread until cancel(), or until the disk fails; then everything else fails, too.
    void loop();
    void cancel();
    bool cancelled() const { return cancelled_; }

    // Of the thread that trains.
    Status stand(std::uint32_t round, ByteSpan state);
    Status ready(std::uint32_t round, const Digest& base, ByteSpan payload);
    // The payload that a worker says it made for a round: this one, before a crash, too, or another
    // one, as far as it was heard.
    std::optional<Digest> said(std::uint32_t worker, std::uint32_t round) const;
    // With secure sums, the round's values under their mask, once it is agreed who takes part; none
    // when this worker does not, or the round goes on without it.
    Result<std::optional<std::vector<std::uint32_t>>> mask(std::uint32_t round,
                                                           std::vector<std::uint32_t> values);
    train::SumSettings sum_settings(std::uint32_t round) const;
    bool hurry(std::uint32_t round) const;
    // Others have decided on the round, or are elsewhere: no work for it will count.
    bool overtaken(std::uint32_t round) const;
    // Until round `due` is decided, or others are elsewhere.
    Result<RoundOutcome> wait(std::uint32_t due);
    // For a worker that begins: where the others are, if so far ahead that they do not wait for its
    // payload of a round that it would miss, once some of them have spoken; at most `patience`
    // long. `has_said`: they may count what it said before a crash.
    std::optional<train::Agreement::Elsewhere> ahead(Duration patience, bool has_said);
    // A state that others say they have. unavailable when nobody gives it any more.
    Result<Bytes> fetch(const train::Agreement::Elsewhere& where);
    // Begins to fetch a blob of a round, of `holder` first, and then of whoever has it.
    void want(const Digest& blob, std::uint32_t holder, std::uint32_t round);
    // Until it is in the store. not_found: `holder` is there and does not give it, nor does anybody
    // else; unavailable: it is away, or the others have gone on meanwhile.
    Status wait_for(const Digest& blob, std::uint32_t holder, Duration patience);
    // This worker found that another one cheated: it counts that one no more, and tells the others.
    void accuse(std::uint32_t worker, std::uint32_t round);
    // What others found in rounds up to `applied`, since the last call: to look at oneself. Others
    // may be ahead; what they found in later rounds waits.
    struct Accusation {
        std::uint32_t accuser = 0, worker = 0, round = 0;
    };
    std::vector<Accusation> accusations(std::uint32_t applied);
    std::set<std::uint32_t> cheaters() const;
    // Whom this worker itself accused, and of which round; also before a crash.
    std::map<std::uint32_t, std::uint32_t> caught() const;
    const Address& trainer(std::uint32_t worker) const { return plan_.trainers[worker]; }
    // It has computed again all that it had to, up to the run's last round, and accused whom it
    // found.
    void looked(std::uint32_t round);
    // Until all others have said so, but for cheaters and those who are away; at most `patience`.
    Status wait_for_looks(Duration patience);
    void set_patience(const train::Patience& patience);
    std::uint64_t bytes_sent() const { return bytes_sent_; }

    // What other workers ask; any thread.
    Result<v1::ExchangeReply> exchange(const v1::ExchangeRequest& request);
    Result<v1::ChunkReply> chunk(const v1::ChunkRequest& request);
    Result<v1::GiveReply> give(const v1::GiveRequest& request);

  private:
    using Event = std::function<void()>;
    struct Said {
        Bytes bytes;
        train::Message message;
    };
    struct Peer {
        bool in_flight = false;
        Duration next_at{0};
        std::uint64_t sent = 0;  // of our log
        std::uint64_t log = 0, after = 0;
        std::unordered_set<Digest> uploading;
    };
    struct Fetch {
        train::BlobFetch blob;
        std::optional<train::Member> member;  // of a payload
        std::uint32_t round = 0;
        Duration progress_at{0};
    };

    Duration now() { return ports_.clock.monotonic(); }
    bool can_call(std::uint32_t worker) const {
        return worker != plan_.worker && !plan_.endpoints[worker].empty();
    }
    void post(Event event) { events_->put(std::move(event)); }
    // Of other workers; resource_exhausted while too much of theirs waits for the loop.
    Status post_of_others(Event event);
    void recall();
    train::Messages receive(const train::Message& message);
    void recall(const train::Message& message);
    void heard(std::uint32_t worker, bool begins);
    void turn();
    // Of secure sums (run_sums.cpp).
    void make_sums(std::uint32_t round);
    void advance_sums();
    void mask_if_asked();
    bool may_come(std::uint32_t round, std::uint32_t worker) const;
    void keep_up();
    void say(const train::Messages& messages);
    void add_to_log(Bytes bytes, train::Message message);
    void hear(ByteSpan message);
    void forget(std::uint32_t round);
    void hear_again();
    void publish();
    void exchange_with(std::uint32_t worker);
    void answered(std::uint32_t worker, std::uint64_t sent, const Result<Bytes>& reply);
    void upload(std::uint32_t worker, const Digest& blob, std::int64_t chunk);
    Fetch& begin_fetch(const Digest& id, Fetch fetch);
    void keep_chunk(const Digest& id, const Fetch& fetch, std::optional<std::uint32_t> chunk,
                    ByteSpan bytes);
    void begin_fetches();
    void drive(const Digest& id, Fetch& fetch);
    void ask(const Digest& id, const train::BlobFetch::Ask& ask);
    void ask_everybody(Fetch& fetch);
    void arrived(const Digest& id, const train::BlobFetch::Ask& ask, const Result<Bytes>& reply);
    void finish_fetch(const Digest& id);
    Status take_payload(const train::Member& member, ByteSpan bytes, std::uint32_t round);
    void fail(const Error& error);
    void leave_out(std::uint32_t worker);
    bool is_own_doubt(const train::Message& message) const {
        return message.worker == plan_.worker && std::holds_alternative<train::Doubt>(message.body);
    }
    void remember_doubt(const train::Message& message);
    void hear_of_doubts(const train::Message& message);
    void fetch_of(const Digest& blob, std::uint32_t round, std::span<const std::uint32_t> holders);
    void note_said(const train::Message& message);

    const MemberPlan plan_;
    const MemberPorts ports_;
    const std::shared_ptr<Inbox<Event>> events_;  // shared with answers that come late
    const std::uint64_t log_id_;
    std::atomic<bool> cancelled_ = false;
    std::atomic<std::uint64_t> bytes_sent_ = 0;
    std::atomic<std::uint32_t> waiting_ = 0;  // of others, for the loop
    std::atomic<bool> begins_;                // it has steps to make, and did not stand() yet

    // Of the loop's thread.
    train::Agreement agreement_;
    std::optional<train::SumRounds> sums_;
    std::vector<Peer> peers_;
    std::map<Digest, Fetch> fetches_;
    KeptChunks chunks_;  // that came for them
    std::unordered_set<Digest> refused_;
    std::unordered_set<Digest> heard_;  // hashes of what is in the log
    std::vector<Bytes> doubts_;         // of its own, of rounds that the log has no more
    const std::uint32_t began_;
    std::uint32_t standing_ = 0;
    std::uint64_t own_end_ = 0;  // behind what this worker has to tell others in its log
    Duration ticked_at_{0};
    bool has_heard_ = false;  // from another one, since the start

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::deque<Said> log_;
    std::uint64_t log_begin_ = 0;  // index of log_.front()
    std::map<std::uint32_t, train::RoundValue> complete_;
    std::map<std::uint32_t, std::shared_ptr<const train::SumTranscript>> unmaskable_;
    // What the thread that trains asks the loop to mask, and the answer.
    struct Masking {
        std::uint32_t round = 0;
        std::vector<std::uint32_t> values;
        std::optional<Result<std::optional<std::vector<std::uint32_t>>>> answer;
    };
    std::optional<Masking> masking_;
    std::set<std::uint32_t> hurries_, cheaters_, away_, looked_;
    std::map<std::uint32_t, std::uint32_t> caught_;                  // workers, and the round
    std::map<std::uint32_t, std::map<std::uint32_t, Digest>> said_;  // payloads by round, worker
    // Where others are without having passed what needs this worker: what it has not said (near),
    // or what they do not need any more even if it has (far).
    std::optional<train::Agreement::Elsewhere> near_, far_;
    std::vector<Digest> wanted_of_callers_;
    std::vector<Accusation> accusations_;
    bool heard_from_others_ = false;  // and what it said is in near_ and far_
    std::optional<Error> failure_;
};

}  // namespace mutirao::node
