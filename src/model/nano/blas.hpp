// The matrix library, OpenBLAS, which libtorch computes with, too: one for the process, opened when
// it is first wanted. It is told which kernels to use before main() runs, unless the environment's
// OPENBLAS_CORETYPE says so already.
#pragma once

#include <cblas.h>

#include "base/result.hpp"

namespace mutirao::model::nano {

// Products are computed in the thread that asks for them, however many ask at once.
struct Blas {
    decltype(&cblas_sgemm) sgemm;
    decltype(&cblas_ssyrk) ssyrk;
    // False where the library is a serial build, which hands out its work areas without a lock:
    // then products of two threads would overwrite one another.
    bool may_be_called_at_once;
};

// Any thread, again is free. unavailable, with what to install, where it cannot be opened.
Result<const Blas*> open_blas();

}  // namespace mutirao::model::nano
