#include "train/error_feedback.hpp"

namespace mutirao::train {

ErrorFeedback::ErrorFeedback(std::size_t parameters, float decay)
    : error_(parameters, 0), decay_(decay) {
    ENSURE(decay >= 0 && decay <= 1, "the decay of error feedback is from 0 to 1");
}

void ErrorFeedback::compensate(std::span<float> delta) const {
    ENSURE(delta.size() == error_.size());
    for (std::size_t i = 0; i < delta.size(); ++i) delta[i] += error_[i];
}

void ErrorFeedback::keep(std::span<const float> compensated, std::span<const float> decoded) {
    ENSURE(compensated.size() == error_.size() && decoded.size() == error_.size());
    for (std::size_t i = 0; i < error_.size(); ++i)
        error_[i] = decay_ * (compensated[i] - decoded[i]);
}

void ErrorFeedback::give_back(std::span<const float> decoded) {
    ENSURE(decoded.size() == error_.size());
    for (std::size_t i = 0; i < error_.size(); ++i) error_[i] += decoded[i];
}

}  // namespace mutirao::train
