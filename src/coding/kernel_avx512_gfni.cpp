// AVX-512 with GFNI: gf2p8mulb multiplies bytes in exactly our F8 (compiled with the matching
// flags, see CMakeLists.txt). 32 registers hold 16 rows of one plane, or 8 rows of both.
#include "coding/kernel_body.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace mutirao::coding {
namespace {

struct Wide {
    static constexpr std::size_t kLanes = 64;
    static constexpr std::uint32_t kLayersMax = 4;
    static constexpr std::size_t kFoldAtOnce = 8;
    using Constant = __m512i;
    __m512i v;

    static Wide load(const std::uint8_t* p) { return {_mm512_loadu_si512(p)}; }
    void store(std::uint8_t* p) const { _mm512_storeu_si512(p, v); }
    void stream(std::uint8_t* p) const { _mm512_stream_si512(reinterpret_cast<__m512i*>(p), v); }
    static Wide add(Wide a, Wide b) { return {_mm512_xor_si512(a.v, b.v)}; }
    static Wide add(Wide a, Wide b, Wide c) {
        return {_mm512_ternarylogic_epi64(a.v, b.v, c.v, 0x96)};
    }
    static Constant constant(F8 c) { return _mm512_set1_epi8(static_cast<char>(c)); }
    static Wide mul(Wide a, Constant c) { return {_mm512_gf2p8mul_epi8(a.v, c)}; }
    static Wide mul(Wide a, Wide b) { return {_mm512_gf2p8mul_epi8(a.v, b.v)}; }
};

}  // namespace

extern const Kernels kAvx512GfniKernels = make_kernels<Wide>("avx512-gfni");

}  // namespace mutirao::coding
#endif
