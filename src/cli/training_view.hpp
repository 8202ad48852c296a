// How a run goes, while it goes: a line that redraws itself on a terminal, lines elsewhere, JSON
// for programs, and a picture of the loss.
#pragma once

#include <string>
#include <vector>

#include "base/ports.hpp"
#include "cli/output.hpp"
#include "mutirao/v1/train.pb.h"

namespace mutirao::cli {

// For one thread. What it is given must outlive it.
class TrainingView {
  public:
    // `curve` is where the loss curve goes (picture_file.hpp); empty: nowhere.
    TrainingView(const Output& out, Clock& clock, std::string curve)
        : out_(out), clock_(clock), curve_(std::move(curve)) {}

    // The progress of all trainers, which are not all at the same round. Shows a round once it is
    // over at the first one. Fails when the curve cannot be written.
    Status show(const std::vector<v1::ProgressReply>& all, bool finished);

  private:
    void show_round(const std::vector<v1::ProgressReply>& all);
    Status draw(const v1::ProgressReply& first) const;

    const Output& out_;
    Clock& clock_;
    const std::string curve_;
    int shown_ = 0;  // rounds
    std::uint64_t sent_ = 0;
    Duration at_{0};
};

}  // namespace mutirao::cli
