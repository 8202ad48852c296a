#include "train/shared_clip.hpp"

#include <algorithm>
#include <cmath>

namespace mutirao::train {

PipelineMessage SharedClip::tell(std::uint32_t attempt, double square_sum) {
    told_ = has_nothing_ ? 0 : square_sum;
    auto out = place_.message(PipelineKind::length, attempt, round_);
    out.micro_batch = place_.stage;
    out.square_sum = *told_;
    return out;
}

Status SharedClip::receive(const PipelineMessage& message) {
    if (message.kind != PipelineKind::length || message.step != round_ ||
        message.micro_batch >= place_.stages || message.micro_batch == place_.stage)
        return Error{ErrorKind::corrupt, "a length that no other stage has in this round"};
    // Who says two things is taken at the longer.
    auto& known = others_[message.micro_batch];
    known = std::max(known, message.square_sum);
    return {};
}

void SharedClip::seat_anew() {
    has_nothing_ = has_nothing_ || told_;
    told_.reset();
    others_.clear();
}

double SharedClip::share(double clip) const {
    if (!done() || has_nothing_) return 0;
    double whole = *told_;
    for (const auto& [stage, square_sum] : others_) whole += square_sum;
    const double length = std::sqrt(whole);
    return length > clip ? clip / length : 1;
}

}  // namespace mutirao::train
