#include "train/controller.hpp"

#include <algorithm>
#include <cmath>

namespace mutirao::train {

namespace {

// From the fewest bytes a parameter to the most: 0.03, 0.06, 0.11, 0.27, 0.52, 1.02.
const std::vector<CodecSettings>& ladder() {
    static const std::vector<CodecSettings> steps{{.kind = CodecKind::topk2, .kept = 64},
                                                  {.kind = CodecKind::topk2, .kept = 128},
                                                  {.kind = CodecKind::topk2, .kept = 256},
                                                  {.kind = CodecKind::dense2},
                                                  {.kind = CodecKind::int4},
                                                  {.kind = CodecKind::int8}};
    return steps;
}

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

Status check(std::span<const LinkMeasured> links, double step_seconds, const RoundLimits& limits) {
    bool good = !links.empty() && is_positive(step_seconds) && is_positive(limits.exchange_share) &&
                limits.local_steps_min >= 1 && limits.local_steps_min <= limits.local_steps_max;
    for (const auto& link : links)
        good = good && is_positive(link.up_bytes_a_second) &&
               is_positive(link.down_bytes_a_second) && std::isfinite(link.round_trip_seconds) &&
               link.round_trip_seconds >= 0;
    if (good) return {};
    return Error{ErrorKind::invalid_argument,
                 "a round is planned from links, rates and step times that were measured: all "
                 "must be positive numbers"};
}

}  // namespace

double exchange_seconds(const LinkMeasured& link, double payload_bytes, std::uint32_t workers) {
    if (workers <= 1) return 0;
    const double rate = std::min(link.up_bytes_a_second, link.down_bytes_a_second);
    return payload_bytes * (workers - 1) / rate + link.round_trip_seconds / 2;
}

Result<RoundPlan> plan_round(std::span<const LinkMeasured> links, double step_seconds,
                             std::uint64_t parameters, const RoundLimits& limits) {
    TRY_VOID(check(links, step_seconds, limits));
    const double usable = limits.exchange_share * step_seconds;  // of each step
    std::optional<RoundPlan> plan;
    for (const auto& settings : ladder()) {
        TRY(const auto codec, make_codec(settings, parameters));
        double seconds = 0;
        for (const auto& link : links)
            seconds =
                std::max(seconds, exchange_seconds(link, static_cast<double>(codec->encoded_size()),
                                                   static_cast<std::uint32_t>(links.size())));
        const double wanted = std::ceil(seconds / usable);
        // Denser only where it costs no longer rounds than the shortest.
        if (plan && wanted > limits.local_steps_min) break;
        const auto steps = static_cast<std::uint32_t>(
            std::clamp<double>(wanted, limits.local_steps_min, limits.local_steps_max));
        plan = RoundPlan{steps, settings, seconds, wanted <= steps};
    }
    return *plan;
}

}  // namespace mutirao::train
