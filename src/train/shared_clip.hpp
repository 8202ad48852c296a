// Privacy where stages send a worker's pseudo-gradient in parts: what counts is the length of all
// of it, so the stages of a pipeline tell one another their parts' before they send anything
// (PrivacySettings; decision 38). No I/O: messages in, messages out. One thread at a time.
#pragma once

#include "train/pipeline.hpp"

namespace mutirao::train {

// One round of one stage. A stage that said its length under one seating of the pipeline and is
// seated anew has nothing to send in this round: whoever was there before may have sent its part,
// clipped by that length.
class SharedClip {
  public:
    SharedClip(const StagePlace& place, std::uint32_t round) : place_(place), round_(round) {}

    // The steps are over: what to tell all other stages. Once an attempt.
    PipelineMessage tell(std::uint32_t attempt, double square_sum);
    bool has_told() const { return told_.has_value(); }
    // Another stage's. corrupt when it is of no other stage, or not of this round.
    Status receive(const PipelineMessage& message);
    // The pipeline has other trainers, or begins again.
    void seat_anew();
    // All stages told theirs.
    bool done() const { return told_ && others_.size() + 1 == place_.stages; }
    // By what this stage's part is multiplied so that all together are no longer than `clip`; 0
    // when it has nothing to send.
    double share(double clip) const;

  private:
    StagePlace place_;
    std::uint32_t round_ = 0;
    std::optional<double> told_;
    std::map<std::uint32_t, double> others_;  // by stage
    bool has_nothing_ = false;
};

}  // namespace mutirao::train
