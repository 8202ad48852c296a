// One stage's side of pipeline parallelism, without I/O: the schedule "one forward, one backward"
// (1F1B; Narayanan et al. 2019, PipeDream; 2021, arXiv 2104.04473, figure 4).
//
// A step's batch is cut into micro-batches. Stage s of S first runs S - 1 - s forwards, then a
// forward and a backward in turns, then the backwards that are left; so at most S - s
// micro-batches' activations are kept. All stages step together when the first one knows the whole
// gradient's length; of a step's time (S - 1) / (M + S - 1) is idle when all stages are equally
// fast.
//
//     while (!pipeline.finished()) {
//         if (auto work = pipeline.next()) {
//             ... compute it ...
//             send what pipeline.done(...) returns
//         } else {
//             send what pipeline.receive(a neighbour's message) returns
//         }
//     }
//
// A lost stage: somebody collects the status() of those that are left, agrees(), and gives the
// answer to every stage's take_up() and to the device that replaces the lost one, which begins with
// the parameters that its group of peers last shared (RunState). The step that was under way is
// computed again from its first micro-batch; no step is counted twice by any stage.
//
// One thread at a time.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "train/pipeline_message.hpp"

namespace mutirao::train {

struct StagePlace {
    RunId run;
    std::uint32_t replica = 0;
    std::uint32_t stage = 0;
    std::uint32_t stages = 0;         // 1 to kStagesMax
    std::uint32_t micro_batches = 0;  // a step; 1 to kMicroBatchesMax

    // What is the same in all that a stage of this pipeline says.
    PipelineMessage message(PipelineKind kind, std::uint32_t attempt, std::uint64_t step) const;
};

struct StageWork {
    enum class Kind : std::uint8_t { forward, backward, step };
    Kind kind = Kind::forward;
    std::uint64_t step = 0;
    std::uint32_t micro_batch = 0;
    Bytes examples;  // of a forward, unless this is the first stage, which draws them
    Bytes tensor;    // the neighbour's
    // Of the last backward: the stages behind's; of a step: the whole model's.
    double square_sum = 0;
};

// Where all stages go on, from what those that are left say (at least one).
PipelineStatus agree(std::span<const PipelineStatus> left);

class StagePipeline {
  public:
    struct Outgoing {
        std::uint32_t to_stage = 0;
        PipelineMessage message;
    };
    struct Output {
        Bytes examples;         // of the first stage's forward
        Bytes tensor;           // for the neighbour, if there is one
        double square_sum = 0;  // of the last backward: with this stage's
    };

    // From step `from.step` up to `steps`. invalid_argument when the place is none.
    static Result<StagePipeline> make(const StagePlace& place, std::uint64_t steps,
                                      const PipelineStatus& from = {});

    // permission_denied: of another run or replica. corrupt: a message that no right neighbour
    // sends now. Late repeats and messages of an older attempt are dropped; those of a newer one
    // wait for take_up().
    Result<std::vector<Outgoing>> receive(PipelineMessage message);
    // The next work, once; none while it waits for a neighbour, or for done().
    std::optional<StageWork> next();
    // After the work that next() gave last.
    std::vector<Outgoing> done(Output output);

    // Of the first stage, between two steps: no step follows, at any stage. Nothing when a step is
    // under way or this is another stage.
    std::vector<Outgoing> end_here();

    bool finished() const { return step_ >= steps_; }
    PipelineStatus status() const { return {attempt_, step_, last_square_sum_}; }
    // What is in flight is forgotten. When it returns work, this stage had all gradients of the
    // step before and had not heard that it was over: that step is still to take, then done().
    // corrupt when the agreement is not about this stage's present. Not between next() and done().
    Result<std::optional<StageWork>> take_up(const PipelineStatus& agreed);
    // Micro-batches whose activations are kept here.
    std::uint32_t in_flight() const { return forwards_ - backwards_; }

  private:
    struct Key {
        std::uint32_t attempt;
        std::uint64_t step;
        PipelineKind kind;
        std::uint32_t micro_batch;
        auto operator<=>(const Key&) const = default;
    };
    StagePipeline(const StagePlace& place, std::uint64_t steps, const PipelineStatus& from);
    bool is_first() const { return place_.stage == 0; }
    bool is_last() const { return place_.stage + 1 == place_.stages; }
    bool backward_is_next() const;
    std::optional<StageWork> with_arrived(StageWork work, PipelineKind kind);
    std::optional<StageWork> step_work();
    Status check(const PipelineMessage& message) const;
    PipelineMessage message(PipelineKind kind, std::uint32_t micro_batch) const;
    void begin(std::uint64_t step);

    StagePlace place_;
    std::uint64_t steps_;
    std::uint32_t attempt_ = 0;
    std::uint64_t step_ = 0;
    double last_square_sum_ = 0;
    std::uint32_t forwards_ = 0, backwards_ = 0;  // of this step, done
    std::optional<StageWork> under_way_;          // without its tensors
    std::optional<double> whole_square_sum_;      // of this step, once known
    std::map<Key, PipelineMessage> arrived_;
};

}  // namespace mutirao::train
