// Error feedback (Seide et al. 2014; Karimireddy et al. 2019): what a lossy codec dropped is added,
// decayed, to what it encodes next, so that nothing is lost for ever.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao::train {

// One thread at a time.
class ErrorFeedback {
  public:
    // `decay` in [0, 1]: 0 switches feedback off, 1 forgets nothing.
    ErrorFeedback(std::size_t parameters, float decay);

    // Adds the kept error to `delta`, in place; encode the result.
    void compensate(std::span<float> delta) const;
    // Keeps decay * (compensated - decoded) for the next round.
    void keep(std::span<const float> compensated, std::span<const float> decoded);

    // What was sent did not count: all of it is owed again.
    void give_back(std::span<const float> decoded);

    std::span<const float> error() const { return error_; }
    // Goes on where another one was.
    void set_error(std::span<const float> error) {
        ENSURE(error.size() == error_.size());
        error_.assign(error.begin(), error.end());
    }

  private:
    std::vector<float> error_;
    float decay_;
};

}  // namespace mutirao::train
