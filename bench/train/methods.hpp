// What is compared: each method's settings, sized so that all see equal tokens, and the rates among
// which each one's is chosen (as many for each).
#pragma once

#include <string>
#include <vector>

#include "train/experiment.hpp"
#include "train/timeline.hpp"

namespace mutirao::bench {

struct Method {
    std::string name;
    Experiment experiment;
    Exchange exchange = Exchange::all_gather;
    std::vector<float> rates;  // of the inner optimizer
};

// Of every run: 4 workers, batches of 8 windows of 64 bytes, and a GPT of 139,584 parameters.
inline constexpr std::uint32_t kWorkers = 4;
inline constexpr const char* kOurs = "mutirao";
inline constexpr const char* kOursFrugal = "mutirao, frugal";
inline constexpr const char* kAllReduce = "all-reduce";
inline constexpr const char* kAllReduceMuon = "all-reduce, Muon";
inline constexpr const char* kDilocox = "dilocox";
inline constexpr const char* kDilocoxKeep = "dilocox, progress kept";

// `steps`: inner steps of each worker, a multiple of 20.
std::vector<Method> methods(std::uint32_t steps);
// The method with one rate and one seed.
Experiment with(const Method& method, float rate, std::uint64_t seed);

}  // namespace mutirao::bench
