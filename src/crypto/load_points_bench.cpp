// What loading a point of G1 from its bytes costs: by blst one at a time, and in lanes.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "base/ensure.hpp"
#include "crypto/load_points.hpp"

namespace {

using namespace mutirao::crypto;
using std::chrono::steady_clock;

std::vector<std::array<std::uint8_t, 48>> points(std::size_t count) {
    std::vector<std::array<std::uint8_t, 48>> out(count);
    blst_p1 point = *blst_p1_generator();
    for (auto& bytes : out) {
        blst_p1_compress(bytes.data(), &point);
        blst_p1_double(&point, &point);
    }
    return out;
}

// Microseconds for each point, the best of some rounds.
double measure(std::span<const CompressedPoint> compressed, const g1_lanes::Kernel* lanes) {
    std::vector<blst_p1_affine> out(compressed.size());
    double best = 1e9;
    for (int round = 0; round < 30; ++round) {
        const auto begin = steady_clock::now();
        const auto good = load_points(compressed, out, lanes);
        const std::chrono::duration<double, std::micro> took = steady_clock::now() - begin;
        ENSURE(std::find(good.begin(), good.end(), false) == good.end());
        best = std::min(best, took.count() / static_cast<double>(compressed.size()));
    }
    return best;
}

}  // namespace

int main() {
    std::printf("points   blst us each   in lanes us each\n");
    for (const std::size_t count : {1u, 2u, 3u, 4u, 6u, 8u, 9u, 11u, 16u, 46u, 92u, 138u}) {
        const auto bytes = points(count);
        const std::vector<CompressedPoint> compressed(bytes.begin(), bytes.end());
        std::printf("%6zu %14.2f", count, measure(compressed, nullptr));
        if (const auto* const lanes = g1_lanes::kernel())
            std::printf(" %18.2f\n", measure(compressed, lanes));
        else
            std::printf("   not this processor\n");
    }
    return 0;
}
