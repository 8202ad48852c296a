// Keccak-256 as Ethereum uses it: Keccak-f[1600], rate 136 bytes, the original padding byte 0x01
// (https://keccak.team/keccak_specs_summary.html).
#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "base/ensure.hpp"
#include "crypto/keccak_each.hpp"
#include "crypto/keccak_rounds.hpp"

namespace mutirao::crypto {
namespace {

using namespace keccak;
static_assert(std::endian::native == std::endian::little);

using Block = std::array<std::uint8_t, kRate>;
constexpr std::size_t kWords = kRate / 8;
constexpr std::size_t kWorthIt = 3;  // inputs: eight take as long as two or three alone

std::size_t blocks_of(ByteSpan input) { return input.size() / kRate + 1; }

// Block `number` of the padded input; `last` has room for the one that is made of its rest.
const std::uint8_t* block_of(ByteSpan input, std::size_t number, Block& last) {
    const auto rest = input.subspan(number * kRate);
    if (rest.size() >= kRate) return rest.data();
    last = {};
    std::copy(rest.begin(), rest.end(), last.begin());
    last[rest.size()] ^= 0x01;
    last[kRate - 1] ^= 0x80;
    return last.data();
}

std::uint64_t word_at(const std::uint8_t* block, std::size_t i) {
    std::uint64_t out;
    std::memcpy(&out, block + 8 * i, sizeof out);
    return out;
}

// Up to eight, those with the most blocks last.
void hash_eight(PermuteEight permute_eight, std::span<const ByteSpan> inputs,
                std::span<const std::size_t> places, std::span<Digest> out) {
    EightStates states{};
    const auto blocks = blocks_of(inputs[places.back()]);
    Block last;
    for (std::size_t number = 0; number < blocks; ++number) {
        for (std::size_t lane = 0; lane < places.size(); ++lane) {
            const auto input = inputs[places[lane]];
            if (number >= blocks_of(input)) continue;
            const auto* block = block_of(input, number, last);
            for (std::size_t i = 0; i < kWords; ++i) states.lanes[i][lane] ^= word_at(block, i);
        }
        permute_eight(states);
        for (std::size_t lane = 0; lane < places.size(); ++lane) {
            if (number + 1 != blocks_of(inputs[places[lane]])) continue;
            auto* const digest = out[places[lane]].bytes.data();
            for (std::size_t i = 0; i < Digest::kSize / 8; ++i)
                std::memcpy(digest + 8 * i, &states.lanes[i][lane], 8);
        }
    }
}

}  // namespace

keccak::PermuteEight keccak::permute_eight() {
#if defined(__x86_64__)
    static const bool here = __builtin_cpu_supports("avx512f");
    if (here) return permute_eight_avx512;
#endif
    return nullptr;
}

Digest keccak256(ByteSpan input) {
    std::uint64_t state[kLanes] = {};
    Block last;
    for (std::size_t number = 0; number < blocks_of(input); ++number) {
        const auto* block = block_of(input, number, last);
        for (std::size_t i = 0; i < kWords; ++i) state[i] ^= word_at(block, i);
        permute(state);
    }
    Digest out;
    std::memcpy(out.bytes.data(), state, out.bytes.size());
    return out;
}

void keccak256_each(std::span<const ByteSpan> inputs, std::span<Digest> out) {
    ENSURE(inputs.size() == out.size());
    const auto eight = permute_eight();
    std::size_t done = 0;
    if (eight != nullptr && inputs.size() >= kWorthIt) {
        // Lanes take as many steps as the longest of them.
        std::vector<std::size_t> places(inputs.size());
        std::iota(places.begin(), places.end(), std::size_t{0});
        std::stable_sort(places.begin(), places.end(), [&](auto a, auto b) {
            return blocks_of(inputs[a]) < blocks_of(inputs[b]);
        });
        for (; done < places.size(); done += kSideBySide)
            hash_eight(eight, inputs,
                       std::span(places).subspan(done, std::min(kSideBySide, places.size() - done)),
                       out);
    }
    for (; done < inputs.size(); ++done) out[done] = keccak256(inputs[done]);
}

}  // namespace mutirao::crypto
