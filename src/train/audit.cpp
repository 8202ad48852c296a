#include "train/audit.hpp"

#include <cmath>
#include <cstring>

#include "base/ensure.hpp"
#include "base/random.hpp"

namespace mutirao::train {

namespace {

std::uint64_t seed_of(const RoundValue& value) {
    std::uint64_t seed = 0;
    const auto beacon = value.digest();
    std::memcpy(&seed, beacon.bytes.data(), sizeof(seed));
    return seed;
}

}  // namespace

std::optional<std::uint32_t> audited_last(const RoundValue& last, std::uint32_t auditor,
                                          std::uint32_t workers) {
    if (workers < 2) return std::nullopt;
    const auto shift = 1 + SeededRandom(seed_of(last)).below(workers - 1);
    return static_cast<std::uint32_t>((auditor + shift) % workers);
}

std::optional<std::uint32_t> audited(const RoundValue& later, std::uint32_t auditor,
                                     std::uint32_t workers, std::uint32_t every) {
    if (every == 0 || workers < 2) return std::nullopt;
    SeededRandom random(seed_of(later) ^ SeededRandom(auditor).next_u64());
    if (random.below(every) != 0) return std::nullopt;
    const auto chosen = static_cast<std::uint32_t>(random.below(workers - 1));
    return chosen < auditor ? chosen : chosen + 1;
}

double relative_distance(std::span<const float> claimed, std::span<const float> computed) {
    ENSURE(claimed.size() == computed.size());
    double difference = 0, length = 0;
    for (std::size_t i = 0; i < computed.size(); ++i) {
        const double wanted = static_cast<double>(computed[i]);
        const double off = static_cast<double>(claimed[i]) - wanted;
        difference += off * off;
        length += wanted * wanted;
    }
    return difference == 0 ? 0 : std::sqrt(difference / length);
}

}  // namespace mutirao::train
