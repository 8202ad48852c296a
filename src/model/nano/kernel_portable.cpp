// Vectors of four floats: SSE2 on x86-64, NEON on AArch64, plain code elsewhere.
#define MUTIRAO_LANES 4
#include "model/nano/kernel_body.hpp"

namespace mutirao::model::nano {

extern const Kernels kPortableKernels = make_kernels("portable");

}  // namespace mutirao::model::nano
