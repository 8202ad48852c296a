#include "hot/ring.hpp"

#include <algorithm>
#include <numeric>

namespace mutirao::hot {
namespace {

// SplitMix64's finaliser, as in docs/reference/placement.md.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

}  // namespace

Result<Ring> Ring::make(std::vector<RingMember> members) {
    if (members.empty() || members.size() > 65536)
        return Error{ErrorKind::invalid_argument,
                     "a ring has 1 to 65536 members, not " + std::to_string(members.size())};
    Ring out;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto& member = members[i];
        if (member.weight == 0 || member.weight > kRingWeightMax ||
            (i > 0 && !(members[i - 1].node < member.node)))
            return Error{ErrorKind::invalid_argument,
                         "ring members are sorted by address, without repeats, and weigh 1 to 64"};
        total += member.weight;
        std::uint64_t seed = 0;
        for (const auto byte : member.node.bytes) seed = mix(seed ^ byte);
        out.seeds_.push_back(seed);
    }
    out.members_ = std::move(members);
    std::vector<std::uint64_t> room;  // ceil(1.25 * arcs * weight / total)
    for (const auto& member : out.members_)
        room.push_back((std::uint64_t{5} * kArcs * member.weight + 4 * total - 1) / (4 * total));
    const auto count = static_cast<std::uint32_t>(out.members_.size());
    for (std::uint32_t arc = 0; arc < kArcs; ++arc) {
        auto best = count;
        std::uint64_t best_score = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            if (room[i] == 0) continue;
            const auto score = out.score(i, arc);
            if (best != count && score <= best_score) continue;
            best = i;
            best_score = score;
        }
        ENSURE(best < count, "caps sum to more than all arcs");
        --room[best];
        out.owners_.push_back(best);
    }
    return out;
}

// The best of as many tickets as the member weighs: it wins in proportion, and a member that gains
// weight only adds tickets.
std::uint64_t Ring::score(std::uint32_t member, std::uint32_t arc) const {
    std::uint64_t best = 0;
    for (std::uint32_t ticket = 0; ticket < members_[member].weight; ++ticket)
        best = std::max(best, mix(seeds_[member] ^ mix(std::uint64_t{ticket} << 32 | arc)));
    return best;
}

std::uint32_t Ring::arc_of(const ShardName& name) {
    const auto digest = name.digest();
    return (digest.bytes[0] | std::uint32_t{digest.bytes[1]} << 8) % kArcs;
}

std::vector<std::uint32_t> Ring::order(const ShardName& name) const {
    const auto arc = arc_of(name);
    std::vector<std::uint64_t> scores(members_.size());
    for (std::uint32_t i = 0; i < scores.size(); ++i) scores[i] = score(i, arc);
    std::vector<std::uint32_t> out(members_.size());
    std::iota(out.begin(), out.end(), 0u);
    const auto home = owner(arc);
    std::sort(out.begin(), out.end(), [&](std::uint32_t a, std::uint32_t b) {
        if ((a == home) != (b == home)) return a == home;
        return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    });
    return out;
}

}  // namespace mutirao::hot
