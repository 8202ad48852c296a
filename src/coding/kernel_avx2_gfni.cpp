// AVX2 with GFNI, in its VEX form (compiled with the matching flags, see CMakeLists.txt).
#include "coding/kernel_body.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace mutirao::coding {
namespace {

struct Half {
    static constexpr std::size_t kLanes = 32;
    static constexpr std::uint32_t kLayersMax = 3;
    static constexpr std::size_t kFoldAtOnce = 4;
    using Constant = __m256i;
    __m256i v;

    static Half load(const std::uint8_t* p) {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
    }
    void store(std::uint8_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
    void stream(std::uint8_t* p) const { _mm256_stream_si256(reinterpret_cast<__m256i*>(p), v); }
    static Half add(Half a, Half b) { return {_mm256_xor_si256(a.v, b.v)}; }
    static Half add(Half a, Half b, Half c) { return add(add(a, b), c); }
    static Constant constant(F8 c) { return _mm256_set1_epi8(static_cast<char>(c)); }
    static Half mul(Half a, Constant c) { return {_mm256_gf2p8mul_epi8(a.v, c)}; }
    static Half mul(Half a, Half b) { return {_mm256_gf2p8mul_epi8(a.v, b.v)}; }
};

}  // namespace

extern const Kernels kAvx2GfniKernels = make_kernels<Half>("avx2-gfni");

}  // namespace mutirao::coding
#endif
