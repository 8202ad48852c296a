// AVX-512 with GFNI: gf2p8mulb multiplies bytes in exactly our F8 (compiled with the matching
// flags, see CMakeLists.txt).
#include "coding/kernel_body.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace mutirao::coding {
namespace {

struct Gfni {
    static constexpr std::size_t kLanes = 64;
    __m512i v;

    static Gfni zero() { return {_mm512_setzero_si512()}; }
    static Gfni load(const std::uint8_t* p) { return {_mm512_loadu_si512(p)}; }
    void store(std::uint8_t* p) const { _mm512_storeu_si512(p, v); }
    friend Gfni operator^(Gfni a, Gfni b) { return {_mm512_xor_si512(a.v, b.v)}; }
    static Gfni mul(Gfni a, F8 c) {
        return {_mm512_gf2p8mul_epi8(a.v, _mm512_set1_epi8(static_cast<char>(c)))};
    }
    static Gfni mul(Gfni a, Gfni b) { return {_mm512_gf2p8mul_epi8(a.v, b.v)}; }
};

}  // namespace

extern const Kernels kGfniKernels = make_kernels<Gfni>("avx512-gfni");

}  // namespace mutirao::coding
#endif
