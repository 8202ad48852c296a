// One worker's side of low-communication data-parallel training (DiLoCo), without I/O.
//
// A round: local steps from start_parameters() -> finish_round() gives the payload to send to all
// peers -> the payloads of round due() from all workers go into apply(). The driver (node) owns the
// model, the clock and the wire:
//
//     while (!run.finished()) {
//         if (run.wants_steps()) {
//             model.set_parameters(run.start_parameters());
//             ... run.local_steps() train steps ...
//             TRY(auto payload, run.finish_round(model's parameters, tokens, loss));
//             send payload to the peers
//         }
//         if (auto round = run.due()) TRY_VOID(run.apply(payloads of *round, wait for them));
//     }
//
// With Schedule::sync due() names the round just finished. With a delay it names the one before, so
// the exchange has a whole round's time; after the last round the tail drains. With fragments a
// round exchanges one piece of the parameters, and the others' progress goes on.
//
// apply() takes the payloads of a quorum, the same set at every peer: who agrees on the set is the
// driver's business. A worker that was left out keeps what it sent in its error feedback, so its
// work comes with its next payload. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "train/error_feedback.hpp"
#include "train/run_state.hpp"
#include "train/settings.hpp"
#include "train/worker_state.hpp"

namespace mutirao::train {

// What round `round` exchanges of a list cut into `fragments` pieces.
struct Piece {
    std::size_t offset = 0, size = 0;
};
constexpr Piece piece_of(std::size_t parameters, std::uint32_t fragments, std::uint32_t round) {
    const std::size_t index = round % fragments, offset = parameters * index / fragments;
    return {offset, parameters * (index + 1) / fragments - offset};
}
// What codes such a piece of `size` floats; the matrices are the whole list's, which pieces cut. As
// make_codec().
Result<std::unique_ptr<PseudoGradientCodec>> piece_codec(const RunSettings& settings,
                                                         std::size_t size,
                                                         std::span<const Matrix> matrices);

// What workers must share at the start of a round: the parameters and, unless it is zero, the
// preparation.
Digest shared_hash(std::span<const float> parameters, const Digest& preparation);

class TrainingRun {
  public:
    struct Identity {
        RunId run;
        std::uint32_t worker = 0;   // this one's index
        std::uint32_t workers = 0;  // 1 to kWorkersMax
        std::uint32_t spares = 0;   // of these, that send only in a lost one's place
        // Of what each worker made of the data before training (a tokenizer, a schema); zero when
        // there is no such thing. Workers whose ones differ do not train together.
        Digest preparation = {};
    };

    // Every worker starts from the same `parameters`. invalid_argument when settings or identity
    // are wrong. `matrices` are where low_rank finds matrices (make_codec()).
    static Result<TrainingRun> make(const RunSettings& settings, const Identity& identity,
                                    std::vector<float> parameters,
                                    std::span<const Matrix> matrices = {});

    // A worker that joins in the middle, or whose parameters differ from the others': it goes on as
    // `identity.worker` from what a peer's state() says. What it had not sent is lost, and it owes
    // nothing. invalid_argument when the state does not fit settings, identity or `matrices`.
    static Result<TrainingRun> resume(const RunSettings& settings, const Identity& identity,
                                      RunState state, std::span<const Matrix> matrices = {});
    // For a peer to resume from; at any time between apply() and the next finish_round().
    RunState state() const;

    // All of this worker's own state, with the inner optimizer's, for itself after a crash or for
    // whoever computes its rounds again; at any time that state() may be asked, or, for itself,
    // right after finish_round(), too.
    WorkerState own_state(model::OptimizerState inner) const;
    // Goes on as the worker that it was taken from, bit for bit; inner is the caller's to restore.
    // invalid_argument when the state does not fit.
    static Result<TrainingRun> go_on(const RunSettings& settings, const Identity& identity,
                                     const WorkerState& state,
                                     std::span<const Matrix> matrices = {});

    // The round whose local steps come next, or rounds_total() when all are done.
    std::uint32_t round() const { return round_; }
    std::uint32_t rounds_total() const { return settings_.rounds_total(); }
    // Of the round that comes next.
    std::uint32_t local_steps() const {
        return round_ < settings_.rounds ? settings_.local_steps : 0;
    }
    bool wants_steps() const;
    bool finished() const;
    // The round whose payloads apply() waits for; none while the pipeline fills.
    std::optional<std::uint32_t> due() const;

    // Where this round's local steps start. Valid until the next call of a non-const member.
    std::span<const float> start_parameters() const { return start_; }
    // The parameters that all workers share, after all outer steps so far.
    std::span<const float> shared_parameters() const { return shared_; }
    // Of these, and of the preparation.
    const Digest& shared_hash() const { return shared_hash_; }
    // What the peers get of this worker's pseudo-gradient of `round`, of which finish_round() made
    // a payload and which is not applied yet.
    std::span<const float> sent(std::uint32_t round) const { return pending_.at(round).decoded; }

    // After the local steps: this worker's payload, encoded; the same bytes go to every peer and to
    // apply(). Fails (corrupt) when a parameter is not finite, and when wants_steps() is false.
    // With a secure sum the payload must not be sent as it is: its words (fixed_words()) go into
    // SecureSum::mask(), and what comes back (fixed_delta()) is its delta.
    struct Sending {
        Random* noise = nullptr;  // where noise is drawn from: needed with privacy
        Digest before = {};       // worker_state_digest() before the local steps, if offered
        std::vector<std::int64_t> credits = {};  // of owners, if measured (Payload::credits)
    };
    Result<Bytes> finish_round(std::span<const float> local, std::uint64_t tokens, double loss,
                               const Sending& sending);
    Result<Bytes> finish_round(std::span<const float> local, std::uint64_t tokens, double loss) {
        return finish_round(local, tokens, loss, {});
    }

    // Decodes a peer's payload that may be kept for apply(): its run is this one, its round is not
    // applied yet and at most one ahead of round(), its delta has the codec's size.
    // already_exists: its round is applied (a late repeat). permission_denied: not of this run or
    // its workers. corrupt: anything else, named.
    Result<Payload> check_payload(ByteSpan bytes) const;

    // One outer step with round due()'s payloads, in any order: of all workers, or of a quorum.
    // unavailable names the workers that are missing; corrupt means that a worker's shared
    // parameters differ from ours (hashes named) or that bytes are wrong. Nothing changes on error.
    Status apply(std::span<const Payload> payloads);
    // The same with a secure sum: `sum` is unmasked_sum() of these payloads' masked words.
    Status apply_sum(std::span<const Payload> payloads, std::span<const std::uint32_t> sum);

    // What the rounds that this worker sent cost its privacy, at settings.privacy.delta.
    double epsilon() const { return epsilon_after(settings_.privacy, round_); }

  private:
    // A piece of the parameters that is exchanged by itself.
    struct Fragment {
        std::size_t offset = 0, size = 0;
        std::unique_ptr<PseudoGradientCodec> codec;
        ErrorFeedback feedback;
        OuterOptimizer outer;
        std::vector<float> mark;  // where its next pseudo-gradient is measured from

        template <class T>
        std::span<T> of(std::span<T> list) const {
            return list.subspan(offset, size);
        }
    };
    // Own work that no outer step has seen yet.
    struct Pending {
        std::vector<float> delta;    // empty when the schedule restarts, or nothing was sent
        std::vector<float> decoded;  // what the peers got of it; empty when nothing was sent
        Digest base;
    };

    TrainingRun(const RunSettings& settings, const Identity& identity,
                std::vector<Fragment> fragments, std::vector<float> parameters);
    // With at most so many rounds that were sent and not applied.
    static Result<TrainingRun> resume(const RunSettings& settings, const Identity& identity,
                                      RunState state, std::span<const Matrix> matrices,
                                      std::uint32_t pending_max);
    const Fragment& fragment_of(std::uint32_t round) const {
        return fragments_[round % fragments_.size()];
    }
    Fragment& fragment_of(std::uint32_t round) { return fragments_[round % fragments_.size()]; }
    void protect(std::span<float> delta, Random& random) const;
    void step_outwards(std::uint32_t round, std::span<const float> merged,
                       std::span<const Payload> payloads);
    Result<std::vector<float>> merged_delta(std::span<const Payload> payloads,
                                            std::uint32_t round) const;
    Result<std::vector<const Payload*>> in_worker_order(std::span<const Payload> payloads,
                                                        std::uint32_t round) const;
    void restart_from_shared(Fragment& fragment, std::uint32_t round);

    RunSettings settings_;
    Identity identity_;
    std::vector<Fragment> fragments_;
    std::vector<float> shared_;
    std::vector<float> start_;
    Digest shared_hash_;
    std::map<std::uint32_t, Pending> pending_;  // by round
    std::uint32_t round_ = 0;
    std::uint32_t applied_ = 0;  // rounds behind shared_
};

}  // namespace mutirao::train
