#include "train/originality.hpp"

#include <algorithm>
#include <unordered_map>

#include "train/contribution.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;  // odd

constexpr std::uint64_t power(std::uint64_t base, std::size_t exponent) {
    std::uint64_t out = 1;
    for (std::size_t i = 0; i < exponent; ++i) out *= base;
    return out;
}
constexpr std::uint64_t kLeaving = power(kFactor, kStretch);

// The rolling hash's low bits depend on few bytes; after this all bits do (SplitMix64's end).
std::uint64_t stirred(std::uint64_t h) {
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9;
    h = (h ^ h >> 27) * 0x94d049bb133111eb;
    return h ^ h >> 31;
}

}  // namespace

std::uint32_t sampling_shift(std::uint64_t total_bytes) {
    std::uint32_t shift = 0;
    while (total_bytes >> shift > kFingerprintsMax) ++shift;
    return shift;
}

void Fingerprint::add(ByteSpan piece) {
    const std::uint64_t mask = (std::uint64_t{1} << shift_) - 1;
    for (const auto byte : piece) {
        auto& slot = last_[seen_ % kStretch];
        // + 1: runs of zero bytes of different lengths must not look alike.
        rolling_ = rolling_ * kFactor + byte + 1;
        if (seen_ >= kStretch) rolling_ -= kLeaving * (slot + std::uint64_t{1});
        slot = byte;
        if (++seen_ < kStretch) continue;
        const auto hash = stirred(rolling_);
        if ((hash & mask) == 0) hashes_.push_back(hash);
    }
}

std::vector<std::uint32_t> originality(std::span<const Fingerprint> owners) {
    std::vector<std::vector<std::uint64_t>> distinct;
    std::unordered_map<std::uint64_t, std::uint32_t> holders;
    for (const auto& owner : owners) {
        auto& own = distinct.emplace_back(owner.hashes().begin(), owner.hashes().end());
        std::sort(own.begin(), own.end());
        own.erase(std::unique(own.begin(), own.end()), own.end());
        for (const auto hash : own) ++holders[hash];
    }
    std::vector<std::uint32_t> parts;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const std::uint64_t count = owners[i].hashes().size();
        std::uint64_t sum = 0;
        for (const auto hash : distinct[i]) sum += kMillion / holders.at(hash);
        parts.push_back(count == 0 ? kMillion : static_cast<std::uint32_t>(sum / count));
    }
    return parts;
}

}  // namespace mutirao::train
