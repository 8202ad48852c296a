#include "coding/kernel.hpp"

namespace mutirao::coding {

std::vector<KernelChoice> all_kernels() {
    std::vector<KernelChoice> all{{&kPortableKernels, true}};
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2");
    const bool gfni = __builtin_cpu_supports("gfni");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    all.push_back({&kAvx2Kernels, avx2});
    all.push_back({&kAvx2GfniKernels, avx2 && gfni});
    all.push_back({&kAvx512GfniKernels, avx512 && gfni});
#endif
    return all;
}

std::vector<const Kernels*> available_kernels() {
    std::vector<const Kernels*> out;
    for (const auto& choice : all_kernels())
        if (choice.runs_here) out.push_back(choice.kernels);
    return out;
}

const Kernels& best_kernels() {
    static const Kernels& best = *available_kernels().back();
    return best;
}

}  // namespace mutirao::coding
