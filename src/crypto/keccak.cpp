// Keccak-256 as Ethereum uses it: Keccak-f[1600], rate 136 bytes, the original padding byte 0x01
// (https://keccak.team/keccak_specs_summary.html).
#include <bit>
#include <cstring>

#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace {

constexpr std::size_t kRate = 136;  // bytes
using State = std::array<std::uint64_t, 25>;

// Round constants from the specification's linear feedback shift register x^8+x^6+x^5+x^4+1.
constexpr std::array<std::uint64_t, 24> kRoundConstants = [] {
    std::array<std::uint64_t, 24> out{};
    std::uint8_t shift = 1;
    for (auto& constant : out)
        for (int j = 0; j <= 6; ++j) {
            if (shift & 1) constant |= std::uint64_t{1} << ((1 << j) - 1);
            shift = static_cast<std::uint8_t>(shift << 1 ^ (shift >> 7 ? 0x71 : 0));
        }
    return out;
}();

// One walk over the 24 lanes other than (0, 0) does rho and pi: step t takes the lane at place t
// to place t + 1, rotated by t's triangular number.
struct Step {
    std::uint8_t place, rotation;
};
constexpr std::array<Step, 24> kWalk = [] {
    std::array<Step, 24> out{};
    int x = 1, y = 0;
    for (int t = 0; t < 24; ++t) {
        const int next_y = (2 * x + 3 * y) % 5;
        x = y;
        y = next_y;
        out[t] = {static_cast<std::uint8_t>(x + 5 * y),
                  static_cast<std::uint8_t>((t + 1) * (t + 2) / 2 % 64)};
    }
    return out;
}();

// Every loop is unrolled and the state is a local copy, so that lanes are registers.
void permute(State& state) {
    State a = state;
    for (const auto constant : kRoundConstants) {
        std::uint64_t column[5], d[5];
#pragma GCC unroll 5
        for (int x = 0; x < 5; ++x) column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
        for (int x = 0; x < 5; ++x) d[x] = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
#pragma GCC unroll 25
        for (int i = 0; i < 25; ++i) a[i] ^= d[i % 5];
        std::uint64_t lane = a[1];
#pragma GCC unroll 24
        for (int t = 0; t < 24; ++t) {
            const auto step = kWalk[t];
            const std::uint64_t kept = a[step.place];
            a[step.place] = std::rotl(lane, step.rotation);
            lane = kept;
        }
#pragma GCC unroll 5
        for (int row = 0; row < 25; row += 5) {
            const std::uint64_t b[5] = {a[row], a[row + 1], a[row + 2], a[row + 3], a[row + 4]};
#pragma GCC unroll 5
            for (int i = 0; i < 5; ++i) a[row + i] = b[i] ^ (~b[(i + 1) % 5] & b[(i + 2) % 5]);
        }
        a[0] ^= constant;
    }
    state = a;
}

void absorb(State& state, ByteSpan block) {
    static_assert(std::endian::native == std::endian::little);
    std::array<std::uint64_t, kRate / 8> lanes;
    std::memcpy(lanes.data(), block.data(), kRate);
    for (std::size_t i = 0; i < lanes.size(); ++i) state[i] ^= lanes[i];
    permute(state);
}

}  // namespace

Digest keccak256(ByteSpan input) {
    State state{};
    for (; input.size() >= kRate; input = input.subspan(kRate)) absorb(state, input.first(kRate));
    std::array<std::uint8_t, kRate> last{};
    std::copy(input.begin(), input.end(), last.begin());
    last[input.size()] ^= 0x01;
    last[kRate - 1] ^= 0x80;
    absorb(state, last);
    Digest out;
    std::memcpy(out.bytes.data(), state.data(), out.bytes.size());
    return out;
}

}  // namespace mutirao::crypto
