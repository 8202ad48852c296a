#include "coding/kernel.hpp"

namespace mutirao::coding {

std::vector<const Kernels*> available_kernels() {
    std::vector<const Kernels*> kernels{&kPortableKernels};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) kernels.push_back(&kAvx2Kernels);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("gfni"))
        kernels.push_back(&kGfniKernels);
#endif
    return kernels;
}

const Kernels& best_kernels() {
    static const Kernels& best = *available_kernels().back();
    return best;
}

}  // namespace mutirao::coding
