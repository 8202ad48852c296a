#include "crypto/load_points.hpp"

#include <algorithm>
#include <array>

#include "base/ensure.hpp"

namespace mutirao::crypto {
namespace {

using namespace g1_lanes;

constexpr std::size_t kWorthIt = 2;  // points: eight take little longer than one alone
constexpr std::uint8_t kIsCompressed = 0x80, kIsInfinity = 0x40, kIsLarger = 0x20;

using Limbs = std::array<std::uint64_t, 6>;  // the lowest first

constexpr Limbs kP{0xb9feffffffffaaab, 0x1eabfffeb153ffff, 0x6730d2a0f6b0f624,
                   0x64774b84f38512bf, 0x4b1ba7b6434bacd7, 0x1a0111ea397fe69a};

Limbs x_of(CompressedPoint point) {
    Limbs out{};
    for (std::size_t i = 0; i < point.size(); ++i) {
        const std::uint8_t byte = i == 0 ? point[0] & (kIsLarger - 1) : point[i];
        auto& limb = out[5 - i / 8];
        limb = limb << 8 | byte;
    }
    return out;
}

bool is_below_p(const Limbs& number) {
    return std::lexicographical_compare(number.rbegin(), number.rend(), kP.rbegin(), kP.rend());
}

bool load_alone(CompressedPoint point, blst_p1_affine& out) {
    return blst_p1_uncompress(&out, point.data()) == BLST_SUCCESS && blst_p1_affine_in_g1(&out);
}

// A point whose bytes are well formed, and that is not infinity.
struct Candidate {
    std::size_t place;
    Limbs x;
    bool larger;
};

// Up to eight; a lane without one of its own repeats the first.
std::uint8_t load_eight(const Kernel& kernel, std::span<const Candidate> some, Affine& out) {
    Numbers x;
    std::uint8_t larger = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const auto& one = some[lane < some.size() ? lane : 0];
        set_lane(x.words, lane, one.x);
        if (one.larger) larger |= static_cast<std::uint8_t>(1u << lane);
    }
    return kernel.load(x, larger, out);
}

}  // namespace

std::vector<bool> load_points(std::span<const CompressedPoint> compressed,
                              std::span<blst_p1_affine> out, const Kernel* lanes) {
    ENSURE(out.size() == compressed.size());
    std::vector<bool> good(compressed.size());
    std::vector<Candidate> some;
    std::vector<std::size_t> alone;
    for (std::size_t i = 0; i < compressed.size(); ++i) {
        const Candidate one{i, x_of(compressed[i]), (compressed[i][0] & kIsLarger) != 0};
        const auto form = compressed[i][0] & (kIsCompressed | kIsInfinity);
        if (lanes != nullptr && form == kIsCompressed && is_below_p(one.x))
            some.push_back(one);
        else
            alone.push_back(i);
    }
    for (std::size_t at = 0; at < some.size(); at += kLanes) {
        const auto eight = std::span(some).subspan(at, std::min(kLanes, some.size() - at));
        if (eight.size() < kWorthIt) {
            for (const auto& one : eight) alone.push_back(one.place);
            break;
        }
        Affine points;
        const auto in_group = load_eight(*lanes, eight, points);
        for (std::size_t lane = 0; lane < eight.size(); ++lane) {
            const auto place = eight[lane].place;
            if ((in_group >> lane & 1) == 0) continue;
            out[place] = {number_in(points.x, lane), number_in(points.y, lane)};
            good[place] = true;
        }
    }
    for (const auto i : alone) good[i] = load_alone(compressed[i], out[i]);
    return good;
}

}  // namespace mutirao::crypto
