// What hashing a message to G1 costs: by blst one at a time, and in lanes.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/ensure.hpp"
#include "crypto/bls_points.hpp"
#include "crypto/hash_to_group_each.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::crypto;
using std::chrono::steady_clock;

std::vector<Bytes> messages(std::size_t count) {
    std::vector<Bytes> out(count);
    for (std::size_t i = 0; i < count; ++i) out[i].assign(100, static_cast<std::uint8_t>(i));
    return out;
}

// Microseconds for each message, the best of some rounds.
double measure(std::span<const ByteSpan> some, const g1_lanes::Kernel* lanes) {
    double best = 1e9;
    for (int round = 0; round < 30; ++round) {
        const auto begin = steady_clock::now();
        const auto hashes = hash_each_to_group(some, bls_points::kSignDomain, lanes);
        const std::chrono::duration<double, std::micro> took = steady_clock::now() - begin;
        ENSURE(hashes.size() == some.size());
        best = std::min(best, took.count() / static_cast<double>(some.size()));
    }
    return best;
}

}  // namespace

int main() {
    std::printf("messages   blst us each   in lanes us each\n");
    for (const std::size_t count : {1u, 2u, 3u, 4u, 6u, 8u, 9u, 11u, 16u, 46u, 92u, 138u}) {
        const auto bytes = messages(count);
        const std::vector<ByteSpan> some(bytes.begin(), bytes.end());
        std::printf("%8zu %14.2f", count, measure(some, nullptr));
        if (const auto* const lanes = g1_lanes::kernel())
            std::printf(" %18.2f\n", measure(some, lanes));
        else
            std::printf("   not this processor\n");
    }
    return 0;
}
