// Which kernels may run. Internal to crypto; any thread.
#pragma once

namespace mutirao::crypto {

// Whether this processor has AVX-512's IFMA, with what else those kernels use.
inline bool has_ifma() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512ifma");
#else
    return false;
#endif
}

}  // namespace mutirao::crypto
