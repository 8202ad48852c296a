// One worker's side of low-communication data-parallel training (DiLoCo), without I/O.
//
// A round: local steps from start_parameters() -> finish_round() gives the payload to send to all
// peers -> the payloads of round due() from all workers go into apply(). The driver (node) owns the
// model, the clock and the wire:
//
//     while (!run.finished()) {
//         if (run.wants_steps()) {
//             model.set_parameters(run.start_parameters());
//             ... settings.local_steps train steps ...
//             TRY(auto payload, run.finish_round(model's parameters, tokens, loss));
//             send payload to the peers
//         }
//         if (auto round = run.due()) TRY_VOID(run.apply(payloads of *round, wait for them));
//     }
//
// With Schedule::sync due() names the round just finished. With delay_keep it names the one before,
// so the exchange has a whole round's time; after the last round the tail drains.
//
// A worker whose payload is missing at the deadline ends the run with `unavailable`; quorum rounds,
// joining and healing are not built yet. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "train/error_feedback.hpp"
#include "train/settings.hpp"

namespace mutirao::train {

class TrainingRun {
  public:
    struct Identity {
        RunId run;
        std::uint32_t worker = 0;   // this one's index
        std::uint32_t workers = 0;  // 1 to kWorkersMax
    };

    // Every worker starts from the same `parameters`. invalid_argument when settings or identity
    // are wrong.
    static Result<TrainingRun> make(const RunSettings& settings, const Identity& identity,
                                    std::vector<float> parameters);

    // The round whose local steps come next, or rounds when all are done.
    std::uint32_t round() const { return round_; }
    bool wants_steps() const;
    bool finished() const;
    // The round whose payloads apply() waits for; none while the pipeline fills.
    std::optional<std::uint32_t> due() const;

    // Where this round's local steps start. Valid until the next call of a non-const member.
    std::span<const float> start_parameters() const { return start_; }
    // The parameters that all workers share, after all outer steps so far.
    std::span<const float> shared_parameters() const { return shared_; }
    const Digest& shared_hash() const { return shared_hash_; }

    // After the local steps: this worker's payload, encoded; the same bytes go to every peer and to
    // apply(). Fails (corrupt) when a parameter is not finite, and when wants_steps() is false.
    Result<Bytes> finish_round(std::span<const float> local, std::uint64_t tokens, double loss);

    // Decodes a peer's payload that may be kept for apply(): its run is this one, its round is not
    // applied yet and at most one ahead of round(), its delta has the codec's size.
    // already_exists: its round is applied (a late repeat). permission_denied: not of this run or
    // its workers. corrupt: anything else, named.
    Result<Payload> check_payload(ByteSpan bytes) const;

    // One outer step with round due()'s payloads of all workers, this one's included, in any order.
    // unavailable names the workers that are missing; corrupt means that a worker's shared
    // parameters differ from ours (hashes named) or that bytes are wrong. Nothing changes on error.
    Status apply(std::span<const Payload> payloads);

  private:
    TrainingRun(const RunSettings& settings, const Identity& identity,
                std::unique_ptr<PseudoGradientCodec> codec, std::vector<float> parameters);
    Result<std::vector<float>> mean_delta(std::span<const Payload> payloads,
                                          std::uint32_t round) const;

    RunSettings settings_;
    Identity identity_;
    std::unique_ptr<PseudoGradientCodec> codec_;
    ErrorFeedback feedback_;
    OuterOptimizer outer_;
    std::vector<float> shared_;
    std::vector<float> start_;
    std::vector<float> pending_;  // delay_keep: own delta that no outer step has seen yet
    Digest shared_hash_;
    std::map<std::uint32_t, Digest> bases_;  // of own payloads not applied yet, by round
    std::uint32_t round_ = 0;
    std::uint32_t applied_ = 0;  // rounds behind shared_
};

}  // namespace mutirao::train
