#include "crypto/g1_lanes.hpp"

#include <iterator>

#include "crypto/has_ifma.hpp"

namespace mutirao::crypto::g1_lanes {
namespace {

constexpr std::size_t kWordBits = 52;
constexpr std::uint64_t kWordMask = (std::uint64_t{1} << kWordBits) - 1;

}  // namespace

const Kernel* kernel() {
#if defined(__x86_64__)
    static const bool here = has_ifma();
    if (here) return &kIfmaKernel;
#endif
    return nullptr;
}

void set_lane(std::span<std::uint64_t[kLanes]> words, std::size_t lane,
              std::span<const std::uint64_t> limbs) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto limb = kWordBits * i / 64, shift = kWordBits * i % 64;
        auto word = limbs[limb] >> shift;
        if (shift + kWordBits > 64 && limb + 1 < limbs.size())
            word |= limbs[limb + 1] << (64 - shift);
        words[i][lane] = word & kWordMask;
    }
}

blst_fp number_in(const Numbers& numbers, std::size_t lane) {
    blst_fp out{};
    for (std::size_t i = 0; i < kWords; ++i) {
        const auto word = numbers.words[i][lane];
        const auto limb = kWordBits * i / 64, shift = kWordBits * i % 64;
        out.l[limb] |= word << shift;
        if (shift + kWordBits > 64 && limb + 1 < std::size(out.l))
            out.l[limb + 1] |= word >> (64 - shift);
    }
    return out;
}

}  // namespace mutirao::crypto::g1_lanes
