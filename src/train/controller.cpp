#include "train/controller.hpp"

#include <algorithm>
#include <cmath>

namespace mutirao::train {

namespace {

constexpr std::uint32_t kSparse = 64;  // of each 4096

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

Status check(std::span<const LinkMeasured> links, double step_seconds, const RoundLimits& limits) {
    bool good = !links.empty() && is_positive(step_seconds) && is_positive(limits.exchange_share) &&
                limits.local_steps_min >= 1 &&
                limits.local_steps_min <= limits.local_steps_dense_max &&
                limits.local_steps_dense_max <= limits.local_steps_max;
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
    const auto seconds_of = [&](const CodecSettings& settings) -> Result<double> {
        TRY(const auto codec, make_codec(settings, parameters));
        double seconds = 0;
        for (const auto& link : links)
            seconds =
                std::max(seconds, exchange_seconds(link, static_cast<double>(codec->encoded_size()),
                                                   static_cast<std::uint32_t>(links.size())));
        return seconds;
    };
    const auto steps_for = [&](double seconds) {
        return std::ceil(seconds / (limits.exchange_share * step_seconds));
    };
    const auto plan = [&](const CodecSettings& settings, double seconds) {
        const auto steps = static_cast<std::uint32_t>(
            std::clamp<double>(steps_for(seconds), limits.local_steps_min, limits.local_steps_max));
        return RoundPlan{steps, settings, seconds, steps_for(seconds) <= steps};
    };
    // From many bytes to few.
    for (const auto kind : {CodecKind::int8, CodecKind::int4, CodecKind::dense2}) {
        const CodecSettings settings{.kind = kind};
        TRY(const auto seconds, seconds_of(settings));
        const auto longest =
            kind == CodecKind::dense2 ? limits.local_steps_dense_max : limits.local_steps_min;
        if (steps_for(seconds) <= longest) return plan(settings, seconds);
    }
    const CodecSettings sparse{.kind = CodecKind::topk2, .kept = kSparse};
    TRY(const auto seconds, seconds_of(sparse));
    return plan(sparse, seconds);
}

}  // namespace mutirao::train
