// How long a pipeline's step takes on links of a given speed: the real schedule (pipeline.hpp) on a
// simulated clock. Each stage computes one thing at a time and sends beside it; each direction of a
// link carries one message at a time.
#pragma once

#include <cstdint>

#include "base/result.hpp"

namespace mutirao::train {

struct PipelineShape {
    std::uint32_t stages = 2;
    std::uint32_t micro_batches = 4;
    double forward_s = 1;  // of one micro-batch in one stage
    double backward_s = 2;
    double message_bytes = 0;  // activations of a micro-batch; their gradient is as long
    double bytes_per_s = 1e9;
    double latency_s = 0;
};

struct PipelineProjection {
    double step_s = 0;
    double idle_share = 0;            // of all stages' time: the bubble and what links add to it
    std::uint32_t in_flight_max = 0;  // micro-batches whose activations one stage keeps
};

// invalid_argument when there are no stages or micro-batches, or a time is not 0 or more.
Result<PipelineProjection> project_pipeline(const PipelineShape& shape);

}  // namespace mutirao::train
