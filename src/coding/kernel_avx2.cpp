// AVX2 without GFNI: a constant's products with the 16 low and the 16 high nibbles stand in two
// registers, and a byte shuffle looks 32 of them up at once (Plank, Greenan, Miller, "Screaming
// Fast Galois Field Arithmetic Using Intel SIMD Instructions", FAST 2013).
#include "coding/kernel_body.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace mutirao::coding {
namespace {

struct NibbleProducts {
    alignas(16) F8 low[256][16], high[256][16];  // [constant][nibble]
};
constexpr NibbleProducts kNibbleProducts = [] {
    NibbleProducts out{};
    for (std::size_t c = 0; c < 256; ++c)
        for (std::size_t bit = 0; bit < 4; ++bit) {
            const std::size_t step = std::size_t{1} << bit;
            const F8 low = mul8(static_cast<F8>(c), static_cast<F8>(step));
            const F8 high = mul8(static_cast<F8>(c), static_cast<F8>(step << 4));
            for (std::size_t i = 0; i < step; ++i) {
                out.low[c][step + i] = static_cast<F8>(out.low[c][i] ^ low);
                out.high[c][step + i] = static_cast<F8>(out.high[c][i] ^ high);
            }
        }
    return out;
}();

struct Shuffled {
    static constexpr std::size_t kLanes = 32;
    static constexpr std::uint32_t kLayersMax = 2;
    static constexpr std::size_t kFoldAtOnce = 2;
    struct Constant {
        __m256i low, high;
    };
    __m256i v;

    static Shuffled load(const std::uint8_t* p) {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
    }
    void store(std::uint8_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
    void stream(std::uint8_t* p) const { _mm256_stream_si256(reinterpret_cast<__m256i*>(p), v); }
    static Shuffled add(Shuffled a, Shuffled b) { return {_mm256_xor_si256(a.v, b.v)}; }
    static Shuffled add(Shuffled a, Shuffled b, Shuffled c) { return add(add(a, b), c); }
    static Constant constant(F8 c) {
        const auto twice = [](const F8* table) {
            return _mm256_broadcastsi128_si256(
                _mm_load_si128(reinterpret_cast<const __m128i*>(table)));
        };
        return {twice(kNibbleProducts.low[c]), twice(kNibbleProducts.high[c])};
    }
    static Shuffled mul(Shuffled a, const Constant& c) {
        const __m256i nibbles = _mm256_set1_epi8(0x0f);
        const __m256i low = _mm256_and_si256(a.v, nibbles);
        const __m256i high = _mm256_and_si256(_mm256_srli_epi64(a.v, 4), nibbles);
        return {
            _mm256_xor_si256(_mm256_shuffle_epi8(c.low, low), _mm256_shuffle_epi8(c.high, high))};
    }
    // Eight conditional additions of doublings: bit i of b, moved to the top, selects.
    static Shuffled mul(Shuffled a, Shuffled b) {
        const __m256i reduce = _mm256_set1_epi8(0x1b), zero = _mm256_setzero_si256();
        __m256i product = zero;
        for (int bit = 0; bit < 8; ++bit) {  // Horner, from the top bit of b
            const __m256i carry = _mm256_blendv_epi8(zero, reduce, product);
            product = _mm256_xor_si256(_mm256_add_epi8(product, product), carry);
            product = _mm256_xor_si256(product, _mm256_blendv_epi8(zero, a.v, b.v));
            b.v = _mm256_add_epi8(b.v, b.v);
        }
        return {product};
    }
};

}  // namespace

extern const Kernels kAvx2Kernels = make_kernels<Shuffled>("avx2");

}  // namespace mutirao::coding
#endif
