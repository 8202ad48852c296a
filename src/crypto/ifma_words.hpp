// Eight words side by side by AVX-512's IFMA. Only for *_ifma.cpp files (compile options:
// CMakeLists.txt), and all within each of them: nothing here may be inline code that other files
// share, as they run on other processors, too.
#pragma once

#include <cstdint>
#include <immintrin.h>

namespace mutirao::crypto {
namespace {

using V = __m512i;

inline constexpr std::uint64_t kMask52 = (std::uint64_t{1} << 52) - 1;

V all(std::uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); }
// acc + the low, and the high, 52 bits of the product of the low 52 bits of a and b.
V low(V acc, V a, V b) { return _mm512_madd52lo_epu64(acc, a, b); }
V high(V acc, V a, V b) { return _mm512_madd52hi_epu64(acc, a, b); }
V plus(V a, V b) { return _mm512_add_epi64(a, b); }
V minus(V a, V b) { return _mm512_sub_epi64(a, b); }

}  // namespace
}  // namespace mutirao::crypto
