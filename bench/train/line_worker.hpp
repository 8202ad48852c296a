// What both worker programs of a real line begin with: their arguments, and the model and data that
// the settings name.
//
//   PROGRAM INDEX STEPS SETTINGS(hex of train::RunSettings) TEXT-FILE ADDRESS-OF-WORKER-0 ...
//
// A worker writes one line of five numbers, the fields of LineResult, and ends with 0.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/backend.hpp"
#include "train/sampler.hpp"
#include "train/settings.hpp"

namespace mutirao::bench {

struct LineWorker {
    std::uint32_t index = 0, workers = 0, steps = 0;
    train::RunSettings settings;
    std::vector<std::string> addresses;  // of all workers
    std::vector<float> initial;          // parameters
    std::unique_ptr<model::Model> model;

    // Tokens that one worker trains on in `count` steps.
    double tokens(std::uint64_t count) const {
        return static_cast<double>(count) * settings.batch * settings.model.answers();
    }
    Result<train::Sampler> sampler() const;

    static Result<LineWorker> make(const std::vector<std::string>& arguments);

  private:
    Bytes text_;
};

}  // namespace mutirao::bench
