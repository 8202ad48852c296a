#include "model/nano/kernel.hpp"

namespace mutirao::model::nano {

std::vector<const Kernels*> available_kernels() {
    std::vector<const Kernels*> all{&kPortableKernels};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        all.push_back(&kAvx2Kernels);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        all.push_back(&kAvx512Kernels);
#endif
    return all;
}

const Kernels& best_kernels() {
    static const Kernels& best = *available_kernels().back();
    return best;
}

}  // namespace mutirao::model::nano
