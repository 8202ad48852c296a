// What placement costs: making one, and all 256 groups' tables, by members.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/random.hpp"
#include "placement/placement.hpp"

namespace mutirao::placement {
namespace {

using std::chrono::steady_clock;

double milliseconds_since(steady_clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
}

// Weights from 1 to 8, and a domain for each 16 members.
Membership membership_of(std::uint32_t count) {
    SeededRandom random(count);
    Membership out;
    for (std::uint32_t i = 0; i < count; ++i) {
        Member member;
        member.node = random.fixed<Address>();
        member.weight = 1 + static_cast<std::uint32_t>(random.below(8));
        member.domain = "zone " + std::to_string(i % (count / 16 + 1));
        out.members.push_back(member);
    }
    std::sort(out.members.begin(), out.members.end(),
              [](const Member& a, const Member& b) { return a.node < b.node; });
    return out;
}

int run() {
    std::printf("members   make ms   one group ms   all groups ms\n");
    for (const std::uint32_t count : {8u, 100u, 1000u, 4096u}) {
        const auto membership = membership_of(count);
        auto begin = steady_clock::now();
        const auto placement = Placement::make(membership).value();
        const auto making = milliseconds_since(begin);
        begin = steady_clock::now();
        BlockId block;
        std::uint64_t sum = 0;
        double first = 0;
        for (std::uint32_t group = 0; group < kGroups; ++group) {
            block.bytes[0] = static_cast<std::uint8_t>(group);
            sum += placement.owner(block, 0);
            if (group == 0) first = milliseconds_since(begin);
        }
        std::printf("%7u %9.3f %14.3f %15.1f\n", count, making, first, milliseconds_since(begin));
        if (sum == 0) return 1;
    }
    return 0;
}

}  // namespace
}  // namespace mutirao::placement

int main() { return mutirao::placement::run(); }
