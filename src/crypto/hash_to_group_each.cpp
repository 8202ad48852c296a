#include "crypto/hash_to_group_each.hpp"

#include <algorithm>
#include <array>
#include <blst_aux.h>

#include "crypto/bls_points.hpp"

namespace mutirao::crypto {
namespace {

using namespace g1_lanes;
using namespace bls_points;

constexpr std::size_t kWorthIt = 2;  // messages: eight take little longer than one alone
constexpr std::size_t kDrawnBytes = 64;

// The number whose bytes these are, the highest first.
void set_number(LongNumbers& numbers, std::size_t lane, std::span<const std::uint8_t> bytes) {
    std::array<std::uint64_t, kDrawnBytes / 8> limbs{};
    for (std::size_t i = 0; i < kDrawnBytes; ++i) {
        auto& limb = limbs[limbs.size() - 1 - i / 8];
        limb = limb << 8 | bytes[i];
    }
    set_lane(numbers.words, lane, limbs);
}

void draw(ByteSpan message, std::string_view domain, std::size_t lane, LongNumbers out[2]) {
    alignas(std::uint64_t) std::array<std::uint8_t, 2 * kDrawnBytes> bytes;
    const auto tag = as_bytes(domain);
    blst_expand_message_xmd(bytes.data(), bytes.size(), message.data(), message.size(), tag.data(),
                            tag.size());
    for (std::size_t i = 0; i < 2; ++i)
        set_number(out[i], lane, std::span(bytes).subspan(kDrawnBytes * i, kDrawnBytes));
}

// Up to eight; a lane without one of its own repeats the first.
std::uint8_t hash_eight(const Kernel& kernel, std::span<const ByteSpan> some,
                        std::string_view domain, Jacobian& out) {
    LongNumbers drawn[2];
    for (std::size_t lane = 0; lane < kLanes; ++lane)
        draw(some[lane < some.size() ? lane : 0], domain, lane, drawn);
    return kernel.hash(drawn, out);
}

}  // namespace

std::vector<blst_p1_affine> hash_each_to_group(std::span<const ByteSpan> messages,
                                               std::string_view domain, const Kernel* lanes) {
    std::vector<blst_p1> points(messages.size());
    for (std::size_t at = 0; at < messages.size(); at += kLanes) {
        const auto some = messages.subspan(at, std::min(kLanes, messages.size() - at));
        Jacobian hashes;
        std::uint8_t found = 0;
        if (lanes != nullptr && some.size() >= kWorthIt)
            found = hash_eight(*lanes, some, domain, hashes);
        for (std::size_t lane = 0; lane < some.size(); ++lane)
            points[at + lane] = (found >> lane & 1) == 0
                                    ? hash_to_group(some[lane], domain)
                                    : blst_p1{number_in(hashes.x, lane), number_in(hashes.y, lane),
                                              number_in(hashes.z, lane)};
    }
    std::vector<blst_p1_affine> out(points.size());
    // Infinity, which no known message hashes to, would spoil the one inversion for all.
    const bool finite = std::none_of(points.begin(), points.end(),
                                     [](const auto& each) { return blst_p1_is_inf(&each); });
    const blst_p1* const list[2] = {points.data(), nullptr};  // one array, not one pointer each
    if (finite && !points.empty())
        blst_p1s_to_affine(out.data(), list, points.size());
    else
        std::transform(points.begin(), points.end(), out.begin(),
                       [](const auto& each) { return to_affine(each); });
    return out;
}

}  // namespace mutirao::crypto
