#include "model/nano/blas.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <string>

namespace mutirao::model::nano {

namespace {

constexpr auto kFile = "libopenblas.so.0";

// OpenBLAS tells processors by their model numbers, and takes one that is newer than itself for the
// oldest: a fourth of the speed. Their features say what they can do. Before main(), since no
// thread may read the environment while it changes.
[[maybe_unused]] const bool kKernelsAreChosen = [] {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const char* kernels = nullptr;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd"))
        kernels = "SkylakeX";
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        kernels = "Haswell";
    if (kernels != nullptr) setenv("OPENBLAS_CORETYPE", kernels, 0);
#endif
    return true;
}();

template <class Function>
bool find(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    return function != nullptr;
}

Error cannot_open() {
    const char* reason = dlerror();
    return {ErrorKind::unavailable,
            "cannot open OpenBLAS: " + std::string(reason ? reason : kFile) +
                "; install libopenblas0-pthread"};
}

Result<Blas> open() {
    // Never closed: it has threads, and libtorch computes with it, too.
    void* library = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return cannot_open();
    Blas blas{};
    decltype(&openblas_get_parallel) parallel = nullptr;
    decltype(&openblas_set_num_threads) set_threads = nullptr;
    if (!find(library, "cblas_sgemm", blas.sgemm) || !find(library, "cblas_ssyrk", blas.ssyrk) ||
        !find(library, "openblas_get_parallel", parallel) ||
        !find(library, "openblas_set_num_threads", set_threads))
        return cannot_open();
    blas.may_be_called_at_once = parallel() != OPENBLAS_SEQUENTIAL;
    if (blas.may_be_called_at_once) set_threads(1);
    return blas;
}

}  // namespace

Result<const Blas*> open_blas() {
    static const auto blas = open();
    if (!blas.ok()) return blas.error();
    return &*blas;
}

}  // namespace mutirao::model::nano
