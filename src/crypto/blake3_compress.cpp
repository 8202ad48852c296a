#include "crypto/blake3_compress.hpp"

#include <vector>

namespace mutirao::crypto::blake3_detail {

Words16 compress(const ChainingValue& chaining, const Words16& m, std::uint64_t counter,
                 std::uint32_t block_size, std::uint32_t flags) {
    Words16 v{};
    for (std::size_t i = 0; i < 8; ++i) v[i] = chaining[i];
    for (std::size_t i = 0; i < 4; ++i) v[8 + i] = kInitial[i];
    v[12] = static_cast<std::uint32_t>(counter);
    v[13] = static_cast<std::uint32_t>(counter >> 32);
    v[14] = block_size;
    v[15] = flags;
    const auto mix = [&v](int a, int b, int c, int d, std::uint32_t x, std::uint32_t y) {
        v[a] += v[b] + x;
        v[d] = std::rotr(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = std::rotr(v[b] ^ v[c], 12);
        v[a] += v[b] + y;
        v[d] = std::rotr(v[d] ^ v[a], 8);
        v[c] += v[d];
        v[b] = std::rotr(v[b] ^ v[c], 7);
    };
#pragma GCC unroll 7
    for (std::size_t round = 0; round < 7; ++round) {
        const auto& s = kSchedule[round];
        mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (std::size_t i = 0; i < 8; ++i) {
        v[i] ^= v[i + 8];
        v[i + 8] ^= chaining[i];
    }
    return v;
}

std::span<const WideKernel> wide_kernels() {
    static const std::vector<WideKernel> kernels = [] {
        std::vector<WideKernel> out{kPortableKernel};
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2")) out.push_back(kAvx2Kernel);
        if (__builtin_cpu_supports("avx512f")) out.push_back(kAvx512Kernel);
#endif
        return out;
    }();
    return kernels;
}

}  // namespace mutirao::crypto::blake3_detail
